"""What an archive was found to do: learned while running, kept for the next process.

In: what an answer showed. Out: immutable snapshots of what is known, which a request is made from and judged by. It
knows nothing of requests, and nothing of patients is kept on disk.
"""
