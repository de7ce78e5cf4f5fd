"""The icon in the tray, its menu, and the guarded door to pystray with what each desktop needs.

In: a state of affairs as data. Out: an icon and a menu on the screen, or `NoTrayError` with the reason.
"""
