"""What a stranger's bytes can make heavy runs here, in processes of their own with bounds on memory and time.

In: a function that can be imported, its arguments, and `Limits`. Out: what it returns, or a `ContentError` in our
words. A process that went over its bounds, crashed or is no longer wanted is killed; the next call gets another. None
outlives the server, however that ends. They know nothing of archives, get no secret from the environment, and what
they send back is taken for data only. `pool` is the way in for async code, `worker.run_once` for code in a thread.
"""
