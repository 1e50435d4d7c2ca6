namespace ShardedCache.Testing.Processes;

/// <summary>Waits for a condition, with a deadline and a text that says what was awaited and how far it got.</summary>
internal static class Poll
{
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <param name="probe">Null when the condition holds, else what is still missing.</param>
    /// <param name="what">What is awaited; completes the sentence "Waited in vain for …".</param>
    /// <param name="timeout">How long.</param>
    /// <param name="logs">What to append to the error, such as the tail of a log.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task UntilAsync(
        Func<CancellationToken, Task<string?>> probe, string what, TimeSpan timeout, Func<string> logs, CancellationToken cancellationToken)
    {
        var time = TimeProvider.System;
        var start = time.GetTimestamp();
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            string? missing;
            try
            {
                missing = await probe(cancellationToken).ConfigureAwait(false);
            }
            catch (RedisFarmException e)
            {
                missing = e.Message;
            }

            if (missing is null)
            {
                return;
            }

            if (time.GetElapsedTime(start) > timeout)
            {
                throw new RedisFarmException($"Waited in vain for {what} ({timeout.TotalSeconds:0.#} s). Still missing: {missing}{logs()}");
            }

            await Task.Delay(Interval, time, cancellationToken).ConfigureAwait(false);
        }
    }
}
