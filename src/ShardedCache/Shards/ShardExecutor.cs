using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.Caching.Distributed;
using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Entries;

namespace ShardedCache.Shards;

/// <summary>
/// Runs the cache's operations on one shard: takes the live connection, sends the command, and says what its reply means.
/// While the shard is not up it throws <see cref="ShardUnavailableException"/> at once.
/// </summary>
internal sealed class ShardExecutor(Shard shard, ShardContext context)
{
    private IServerConnection? _permissionsLoggedFor;

    public Shard Shard => shard;

    /// <summary>Reads an entry; true where <paramref name="reader"/> has passed a value on.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> GetAsync(StoredKey key, EntryReader reader, CallMode mode, CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start("get", shard.Name);
        var connection = shard.Live ?? await WaitForFirstOutcomeAsync(mode, cancellationToken).ConfigureAwait(false);
        var reply = await connection.GetAsync(key, reader, mode, cancellationToken).ConfigureAwait(false);
        return FinishGet(connection, key, reader, reply);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask SetAsync(
        StoredKey key, DistributedCacheEntryOptions options, ReadOnlySequence<byte> payload, CallMode mode, CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start("set", shard.Name);
        var expiration = ExpirationOf(options);
        if (shard.Live is not { } connection)
        {
            // The shard's clock may have been set only now.
            connection = await WaitForFirstOutcomeAsync(mode, cancellationToken).ConfigureAwait(false);
            expiration = ExpirationOf(options);
        }

        var reply = await SendSetAsync(connection, key, expiration, payload, mode, cancellationToken).ConfigureAwait(false);
        await FinishWriteAsync(connection, key, reply, mode, cancellationToken).ConfigureAwait(false);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask RemoveAsync(StoredKey key, CallMode mode, CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start("remove", shard.Name);
        var connection = shard.Live ?? await WaitForFirstOutcomeAsync(mode, cancellationToken).ConfigureAwait(false);
        var reply = await SendRemoveAsync(connection, key, mode, cancellationToken).ConfigureAwait(false);
        await FinishWriteAsync(connection, key, reply, mode, cancellationToken).ConfigureAwait(false);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask RefreshAsync(StoredKey key, CallMode mode, CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start("refresh", shard.Name);
        var connection = shard.Live ?? await WaitForFirstOutcomeAsync(mode, cancellationToken).ConfigureAwait(false);
        var reply = await connection.RunAsync(EntryScripts.Refresh, key, [], mode, cancellationToken).ConfigureAwait(false);
        ThrowIfUnanswered(connection, reply);
    }

    /// <summary>Reads the keys at the given positions in one pipelined batch, into the same positions of the results.</summary>
    public async Task GetManyAsync(StoredKey[] keys, ReadOnlyMemory<int> positions, byte[]?[] results, CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start("get many", shard.Name);
        var connection = shard.Live ?? await WaitForFirstOutcomeAsync(CallMode.Asynchronous, cancellationToken).ConfigureAwait(false);
        var batch = connection.CreateBatch();
        var pending = new (EntryReader Reader, ValueTask<Reply> Reply)[positions.Length];
        for (var i = 0; i < pending.Length; i++)
        {
            var reader = context.Readers.Rent();
            reader.Begin(shard.Clock);
            pending[i] = (reader, batch.GetAsync(keys[positions.Span[i]], reader, CallMode.Asynchronous, cancellationToken));
        }

        batch.Send();
        Exception? failure = null;
        for (var i = 0; i < pending.Length; i++)
        {
            var (reader, position) = (pending[i].Reader, positions.Span[i]);
            try
            {
                var reply = await pending[i].Reply.ConfigureAwait(false);
                results[position] = FinishGet(connection, keys[position], reader, reply) ? reader.ToArray() : null;
                context.Readers.Return(reader);
            }
            catch (Exception exception) when (exception is ShardUnavailableException or OperationCanceledException)
            {
                failure ??= exception;
            }
        }

        ThrowFirst(failure);
    }

    /// <summary>Writes, or with null payloads removes, in one pipelined batch.</summary>
    /// <param name="keys">Of the whole operation.</param>
    /// <param name="positions">Those of this batch.</param>
    /// <param name="payloads">At the keys' positions.</param>
    /// <param name="options">Valid at <paramref name="calledAt"/>, from which expirations count: whatever was waited for, none is refused here.</param>
    /// <param name="calledAt">When the whole operation began.</param>
    /// <param name="cancellationToken">Abandons the wait.</param>
    public async Task WriteManyAsync(
        StoredKey[] keys,
        ReadOnlyMemory<int> positions,
        byte[][]? payloads,
        DistributedCacheEntryOptions? options,
        DateTimeOffset calledAt,
        CancellationToken cancellationToken)
    {
        using var activity = ShardedCacheActivities.Start(payloads is null ? "remove many" : "set many", shard.Name);
        var connection = shard.Live ?? await WaitForFirstOutcomeAsync(CallMode.Asynchronous, cancellationToken).ConfigureAwait(false);
        var expiration = options is null ? default : ExpirationOf(options, calledAt);
        var batch = connection.CreateBatch();
        var pending = new ValueTask<Reply>[positions.Length];
        for (var i = 0; i < pending.Length; i++)
        {
            var position = positions.Span[i];
            pending[i] = payloads is null
                ? SendRemoveAsync(batch, keys[position], CallMode.Asynchronous, cancellationToken)
                : SendSetAsync(batch, keys[position], expiration, new ReadOnlySequence<byte>(payloads[position]), CallMode.Asynchronous, cancellationToken);
        }

        batch.Send();
        Exception? failure = null;
        for (var i = 0; i < pending.Length; i++)
        {
            try
            {
                var reply = await pending[i].ConfigureAwait(false);
                await FinishWriteAsync(connection, keys[positions.Span[i]], reply, CallMode.Asynchronous, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is ShardUnavailableException or OperationCanceledException)
            {
                failure ??= exception;
            }
        }

        ThrowFirst(failure);
    }

    private EntryExpiration ExpirationOf(DistributedCacheEntryOptions options) =>
        EntryExpiration.From(options, context.Time.GetUtcNow(), shard.Clock.NowMilliseconds);

    private EntryExpiration ExpirationOf(DistributedCacheEntryOptions options, DateTimeOffset calledAt)
    {
        var waited = Math.Max(0, (long)(context.Time.GetUtcNow() - calledAt).TotalMilliseconds);
        return EntryExpiration.From(options, calledAt, shard.Clock.NowMilliseconds - waited);
    }

    private ValueTask<Reply> SendSetAsync(
        IEntryCommands commands, StoredKey key, EntryExpiration expiration, ReadOnlySequence<byte> payload, CallMode mode, CancellationToken cancellationToken)
    {
        Span<byte> header = stackalloc byte[EntryHeader.MaxLength];
        var entry = EntryHeader.Value(shard.Clock.Next(), expiration);
        var length = entry.Write(header);
        shard.Touches.Stored(key.Name, entry, shard.Clock.NowMilliseconds);
        return commands.SetAsync(key, header[..length], payload, expiration.TimeToLive, mode, cancellationToken);
    }

    private ValueTask<Reply> SendRemoveAsync(IEntryCommands commands, StoredKey key, CallMode mode, CancellationToken cancellationToken)
    {
        Span<byte> header = stackalloc byte[EntryHeader.MaxLength];
        var length = EntryHeader.Tombstone(shard.Clock.Next()).Write(header);
        return commands.SetAsync(key, header[..length], ReadOnlySequence<byte>.Empty, EntryHeader.TombstoneLife, mode, cancellationToken);
    }

    private bool FinishGet(IServerConnection connection, StoredKey key, EntryReader reader, Reply reply)
    {
        if (reply is { Kind: ReplyKind.ServerError, Error: ServerErrorCode.WrongType } || (reply.Kind == ReplyKind.Ok && reader.Outcome == EntryOutcome.Foreign))
        {
            context.Metrics.Foreign(shard.Name);
            context.Metrics.Read(shard.Name, hit: false);
            return false;
        }

        ThrowIfUnanswered(connection, reply);
        var found = reply.Kind == ReplyKind.Ok && reader.Outcome == EntryOutcome.Value;
        context.Metrics.Read(shard.Name, found);
        if (reader.Outcome != EntryOutcome.None && !shard.Clock.Observe(reader.Header.Stamp))
        {
            context.Metrics.StampRefused(shard.Name);
        }

        // A touch that goes to a connection out of service would count as made, and is not.
        if (found && reader.Header.IsSliding && ReferenceEquals(shard.Live, connection))
        {
            Touch(connection, key, reader.Header);
        }

        return found;
    }

    private void Touch(IServerConnection connection, StoredKey key, in EntryHeader header)
    {
        var now = shard.Clock.NowMilliseconds;
        if (!shard.Touches.ShouldTouch(key.Name, header, now) || TouchPolicy.TimeToLive(header, now) is not (> 0 and var milliseconds))
        {
            return;
        }

        var timeToLive = Encoding.ASCII.GetBytes(milliseconds.ToString(CultureInfo.InvariantCulture));
        connection.Post(EntryScripts.Touch, key, [header.Stamp.ToBytes(), timeToLive]);
    }

    private async ValueTask FinishWriteAsync(IServerConnection connection, StoredKey key, Reply reply, CallMode mode, CancellationToken cancellationToken)
    {
        if (reply.Error == ServerErrorCode.OutOfMemory)
        {
            // The server has no room for the new value, and the old one must not be read any more.
            reply = await connection.RunAsync(EntryScripts.Evict, key, [], mode, cancellationToken).ConfigureAwait(false);
            context.Metrics.Evicted(shard.Name);
        }

        ThrowIfUnanswered(connection, reply);
    }

    private void ThrowIfUnanswered(IServerConnection connection, Reply reply)
    {
        if (reply.Kind is ReplyKind.Ok or ReplyKind.Nil)
        {
            return;
        }

        string reason;
        switch (reply)
        {
            case { Kind: ReplyKind.TimedOut }:
                reason = $"{connection.Address} did not reply within {context.Settings.OperationTimeout.TotalMilliseconds:0} ms";
                break;
            case { Kind: ReplyKind.ConnectionLost }:
                reason = $"the connection to {connection.Address} was lost";
                shard.Withdraw(connection, reason);
                break;
            case { Error: ServerErrorCode.ReadOnly or ServerErrorCode.MasterDown or ServerErrorCode.Loading or ServerErrorCode.Busy or ServerErrorCode.NoAuth }:
                reason = $"{connection.Address} answers with: {reply.ErrorText}";
                shard.Abandon(connection, reason);
                break;
            default:
                reason = $"{connection.Address} answers with: {reply.ErrorText}";
                if (reply.Error == ServerErrorCode.NoPerm && Interlocked.Exchange(ref _permissionsLoggedFor, connection) != connection)
                {
                    context.Logger.CommandForbidden(shard.Name, connection.Address, reply.ErrorText);
                }

                break;
        }

        throw Unavailable(reason, reply.Kind == ReplyKind.ServerError ? reply.Error.ToString() : reply.Kind.ToString());
    }

    private async ValueTask<IServerConnection> WaitForFirstOutcomeAsync(CallMode mode, CancellationToken cancellationToken)
    {
        await shard.WaitForFirstOutcomeAsync(mode, cancellationToken).ConfigureAwait(false);
        if (shard.Live is { } live)
        {
            return live;
        }

        var snapshot = shard.Snapshot;
        throw Unavailable(
            $"{snapshot.State} since {snapshot.Since:O}: {snapshot.Reason ?? "no answer yet"}", snapshot.State.ToString());
    }

    private ShardUnavailableException Unavailable(string reason, string errorType)
    {
        context.Metrics.Failed(shard.Name, errorType);
        ShardedCacheActivities.Fail(errorType);
        return new ShardUnavailableException(shard.Name, reason);
    }

    private static void ThrowFirst(Exception? failure)
    {
        if (failure is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }
    }
}
