namespace ShardedCache.Connections;

/// <summary>
/// One live connection to one server: opened once, closed once, replaced and never revived. It knows nothing of shards,
/// Sentinel, or why it exists. All members can be called from any thread.
/// </summary>
/// <remarks>
/// <para>Owner: whoever opened it, who alone disposes it. Disposing closes abortively (no FIN that waits, no data that
/// the kernel goes on sending) and completes everything pending with <see cref="ReplyKind.ConnectionLost"/>.</para>
/// <para>Deadlines: an operation that gets no reply within the operation time-out completes as
/// <see cref="ReplyKind.TimedOut"/>, at most 50 ms later. When nothing at all was received for that long while something
/// was awaited, the connection ends itself as <see cref="ConnectionFaultKind.Silent"/>.</para>
/// </remarks>
internal interface IServerConnection : IEntryCommands, IAsyncDisposable
{
    ServerAddress Address { get; }

    /// <summary>The server's id of this connection (<c>CLIENT ID</c>): what <c>CLIENT KILL ID</c> takes. 0 on a Sentinel.</summary>
    long ClientId { get; }

    /// <summary>Completes exactly once, when the connection has ended, with the reason; never faults.</summary>
    Task<ConnectionFault> Closed { get; }

    /// <summary>For how long nothing has come from the server, as the kernel counts it, whatever this process does; null where it does not say.</summary>
    long? MillisecondsSinceData { get; }

    /// <summary>Starts a batch: its commands are queued until <see cref="IEntryBatch.Send"/>.</summary>
    IEntryBatch CreateBatch();

    /// <summary>Sends a control command: its name and arguments, as text. Always asynchronous.</summary>
    ValueTask<ControlReply> ExecuteAsync(ReadOnlyMemory<string> command, CancellationToken cancellationToken);

    /// <summary>
    /// Subscribes to a channel for the connection's life. The handler gets channel and message, must not block or throw.
    /// The reply tells whether the server has accepted (ACL users often may not).
    /// </summary>
    ValueTask<Reply> SubscribeAsync(string channel, Action<string, string> onMessage, CancellationToken cancellationToken);

    /// <summary>Ends the connection now. Idempotent; the first reason stays.</summary>
    void Close(ConnectionFault fault);
}

/// <summary>
/// Commands that are held until <see cref="Send"/> and then sent together. Used by one caller, once. It always works
/// asynchronously; a value task that it returned completes only after <see cref="Send"/>.
/// </summary>
internal interface IEntryBatch : IEntryCommands
{
    void Send();
}
