namespace ShardedCache.Connections.StackExchangeRedis;

internal static class BlockingWait
{
    // Beyond the time-out the deadline sweep is about to claim the operation, and is asked often.
    private const int SliceMilliseconds = 5;

    /// <summary>
    /// Blocks until the client's task has ended; false when the operation was abandoned or the caller has cancelled. The client
    /// completes its task on its reader's thread, which releases this wait directly: no pool thread is needed.
    /// </summary>
    public static bool For(Task task, PendingOperation operation, int timeoutMilliseconds, CancellationToken cancellationToken)
    {
        for (var patience = timeoutMilliseconds; !operation.IsClaimed; patience = SliceMilliseconds)
        {
            try
            {
                if (task.Wait(patience, cancellationToken))
                {
                    return true;
                }
            }
            catch (AggregateException)
            {
                return true;
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }

        return false;
    }
}
