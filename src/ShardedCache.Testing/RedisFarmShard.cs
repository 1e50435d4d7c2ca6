using System.Globalization;
using System.Net;
using ShardedCache.Testing.Processes;

namespace ShardedCache.Testing;

/// <summary>One shard of a farm: a master and its replicas, under the name by which the Sentinels know it.</summary>
public sealed class RedisFarmShard
{
    private static readonly TimeSpan AskTimeout = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan BeginsAgainAfter = TimeSpan.FromSeconds(5);

    private readonly FarmSentinels _sentinels;

    internal RedisFarmShard(FarmSentinels sentinels, string name, IReadOnlyList<RedisProcess> servers)
    {
        _sentinels = sentinels;
        Name = name;
        Servers = servers;
    }

    /// <summary>The shard's name, which is the Sentinels' master name.</summary>
    public string Name { get; }

    /// <summary>All servers of the shard, the one that was master at first in front.</summary>
    public IReadOnlyList<RedisProcess> Servers { get; }

    /// <summary>The server that was started as master, whatever it is now.</summary>
    public RedisProcess InitialMaster => Servers[0];

    /// <summary>
    /// The server that a majority of the farm's Sentinels names and that calls itself master; without Sentinels, the first one that calls
    /// itself so. Waits up to 30 s while there is none, as during a failover.
    /// </summary>
    /// <exception cref="RedisFarmException">There was none within 30 s.</exception>
    public Task<RedisProcess> GetMasterAsync(CancellationToken cancellationToken = default) =>
        MasterAsync(static _ => true, "a master", Poll.DefaultTimeout, null, cancellationToken);

    /// <summary>Waits until <paramref name="expected"/> is the master, as <see cref="GetMasterAsync"/> defines it.</summary>
    /// <param name="expected">One of <see cref="Servers"/>.</param>
    /// <param name="timeout">How long to wait; null: 30 s.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RedisFarmException">It did not become master in time.</exception>
    public Task WaitForMasterAsync(RedisProcess expected, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        MasterAsync(server => server == expected, $"{expected} as the master", timeout ?? Poll.DefaultTimeout, null, cancellationToken);

    /// <summary>Waits until another server than <paramref name="old"/> is the master, as <see cref="GetMasterAsync"/> defines it, and returns it.</summary>
    /// <param name="old">The master so far.</param>
    /// <param name="timeout">How long to wait; null: 30 s.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RedisFarmException">No other became master in time.</exception>
    public Task<RedisProcess> WaitForNewMasterAsync(RedisProcess old, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        MasterAsync(server => server != old, $"another master than {old}", timeout ?? Poll.DefaultTimeout, null, cancellationToken);

    /// <summary>Asks a Sentinel for a failover (<c>SENTINEL FAILOVER</c>), and returns the new master when the majority has switched to it.</summary>
    /// <exception cref="RedisFarmException">There was no master to begin with, no Sentinel, or no switch within 60 s.</exception>
    public async Task<RedisProcess> FailOverAsync(CancellationToken cancellationToken = default)
    {
        if (_sentinels.All.Count == 0)
        {
            throw new RedisFarmException("A farm without Sentinels has nobody to fail over to another master.");
        }

        var old = await GetMasterAsync(cancellationToken).ConfigureAwait(false);
        var (asked, accepted) = (0, 0L);
        RedisProcess? runs = null;
        return await MasterAsync(
            server => server != old,
            $"another master than {old}",
            2 * Poll.DefaultTimeout,
            async token =>
            {
                // Refused while the Sentinel has not yet seen a good replica, or still finishes an earlier failover; and what it has begun it
                // may give up, without a word to who has asked for it. Another one would begin a second failover beside it.
                if (runs is null || TimeProvider.System.GetElapsedTime(accepted) > BeginsAgainAfter)
                {
                    var sentinel = runs ?? _sentinels.All[asked++ % _sentinels.All.Count];
                    await sentinel.AskAsync(AskTimeout, token, "SENTINEL", "FAILOVER", Name).ConfigureAwait(false);
                    (runs, accepted) = (sentinel, TimeProvider.System.GetTimestamp());
                }
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Waits until every other server of the shard that runs is a replica of the current master, connected, synced, and has
    /// received all that the master had written when this was called. What is killed then loses nothing of it. Should the Sentinels change
    /// their mind meanwhile, the new master counts.
    /// </summary>
    /// <param name="timeout">How long to wait; null: 30 s.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RedisFarmException">They were not in time; an old master that returns can take 10 s and more until a Sentinel demotes it.</exception>
    public Task WaitForReplicasAsync(TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        WaitForReplicasAsync(CandidateAsync, timeout ?? Poll.DefaultTimeout, areAttached: false, cancellationToken);

    /// <summary>
    /// Makes every running Sentinel watch this shard anew, as an operator does: <c>SENTINEL REMOVE</c> everywhere, so that none teaches
    /// the others the old state, then <c>MONITOR</c> with <paramref name="master"/> and the farm's settings. The configuration epoch
    /// begins again at 0; replicas and other Sentinels are found again within a few seconds. An old master that no Sentinel has demoted
    /// yet is forgotten and stays a master beside the new one (wait for the replicas first to avoid that).
    /// </summary>
    /// <param name="master">One of <see cref="Servers"/>.</param>
    /// <param name="cancellationToken">Ends the wait for the replies.</param>
    /// <exception cref="RedisFarmException">A Sentinel did not answer, or refused.</exception>
    public async Task MonitorAsync(RedisProcess master, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(master);
        RedisProcess[] sentinels = [.. _sentinels.All.Where(static sentinel => sentinel.IsRunning)];
        await Task.WhenAll(sentinels.Select(RemoveAsync)).ConfigureAwait(false);
        if (master.IsRunning)
        {
            // What the Sentinels said of the old state is in the master's stream, and a replica repeats it to all that listen there.
            await WaitForReplicasAsync(master, Poll.DefaultTimeout, cancellationToken, areAttached: true).ConfigureAwait(false);
        }

        await Task.WhenAll(sentinels.Select(AddAsync)).ConfigureAwait(false);

        async Task RemoveAsync(RedisProcess sentinel)
        {
            if (await NamedByAsync(sentinel, cancellationToken).ConfigureAwait(false) is not null)
            {
                await sentinel.ExecuteAsync(["SENTINEL", "REMOVE", Name], cancellationToken).ConfigureAwait(false);
            }
        }

        async Task AddAsync(RedisProcess sentinel)
        {
            foreach (var command in _sentinels.MonitorCommands(Name, master))
            {
                await sentinel.ExecuteAsync(command, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <param name="master">Whose replicas.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="areAttached">Only those that the master knows of now.</param>
    internal Task WaitForReplicasAsync(RedisProcess master, TimeSpan timeout, CancellationToken cancellationToken, bool areAttached = false) =>
        WaitForReplicasAsync(_ => Task.FromResult(master), timeout, areAttached, cancellationToken);

    private Task WaitForReplicasAsync(
        Func<CancellationToken, Task<RedisProcess>> find, TimeSpan timeout, bool areAttached, CancellationToken cancellationToken)
    {
        RedisProcess? writer = null;
        long? written = null;
        return Poll.UntilAsync(
            async token =>
            {
                var master = await find(token).ConfigureAwait(false);
                (writer, written) = (master, master == writer ? written : null);
                var info = (await master.AskAsync(AskTimeout, token, "INFO", "replication").ConfigureAwait(false)).Text;
                written ??= Offset(info, "master_repl_offset:");
                var missing = Servers.FirstOrDefault(server => server != master && server.IsRunning
                    && (!areAttached || info.Contains($"ip={server.Host},port={server.Port},", StringComparison.Ordinal))
                    && !(Offset(info, $"ip={server.Host},port={server.Port},state=online,offset=") >= written));
                return missing is null ? null : $"{missing} is not online at {master}, or lags behind.";
            },
            $"the replicas of {Name}",
            timeout,
            () => string.Concat(Servers.Select(static server => server.LogTail())),
            cancellationToken);
    }

    private static long? Offset(string info, string name)
    {
        var at = info.IndexOf(name, StringComparison.Ordinal);
        if (at < 0)
        {
            return null;
        }

        var digits = info.AsSpan(at + name.Length);
        var end = digits.IndexOfAnyExceptInRange('0', '9');
        return long.Parse(end < 0 ? digits : digits[..end], NumberStyles.None, CultureInfo.InvariantCulture);
    }

    private async Task<RedisProcess> MasterAsync(
        Func<RedisProcess, bool> accept, string what, TimeSpan timeout, Func<CancellationToken, Task>? urge, CancellationToken cancellationToken)
    {
        RedisProcess? found = null;
        await Poll.UntilAsync(
            async token =>
            {
                var candidate = await CandidateAsync(token).ConfigureAwait(false);
                if (!accept(candidate))
                {
                    await (urge?.Invoke(token) ?? Task.CompletedTask).ConfigureAwait(false);
                    return $"{candidate} is the master.";
                }

                found = candidate;
                return null;
            },
            $"{what} of {Name}",
            timeout,
            () => string.Concat(Servers.Concat(_sentinels.All).Select(static process => process.LogTail())),
            cancellationToken).ConfigureAwait(false);
        return found!;
    }

    private async Task<RedisProcess> CandidateAsync(CancellationToken cancellationToken)
    {
        var sentinels = _sentinels.All;
        var servers = Servers;
        if (sentinels.Count > 0)
        {
            var answers = await Task.WhenAll(sentinels.Select(sentinel => NamedByAsync(sentinel, cancellationToken))).ConfigureAwait(false);
            servers = [.. Servers.Where(server => answers.Count(answer => server.EndPoint.Equals(answer)) > sentinels.Count / 2)];
        }

        foreach (var server in servers)
        {
            if (server.IsRunning && await IsMasterAsync(server, cancellationToken).ConfigureAwait(false))
            {
                return server;
            }
        }

        throw new RedisFarmException(servers.Count == 0
            ? $"no majority of the Sentinels agrees on the master of {Name}."
            : $"{string.Join(", ", servers)} does not call itself master of {Name}.");
    }

    private static async Task<bool> IsMasterAsync(RedisProcess server, CancellationToken cancellationToken)
    {
        try
        {
            return (await server.AskAsync(AskTimeout, cancellationToken, "ROLE").ConfigureAwait(false)).Items![0].Text == "master";
        }
        catch (RedisFarmException)
        {
            // Paused, perhaps, and another one may be master.
            return false;
        }
    }

    private async Task<IPEndPoint?> NamedByAsync(RedisProcess sentinel, CancellationToken cancellationToken)
    {
        try
        {
            var reply = await sentinel.AskAsync(AskTimeout, cancellationToken, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", Name).ConfigureAwait(false);
            return reply.Items is [var host, var port] ? IPEndPoint.Parse($"{Bracketed(host.Text)}:{port.Text}") : null;
        }
        catch (RedisFarmException)
        {
            return null;
        }
    }

    private static string Bracketed(string host) => host.Contains(':') ? $"[{host}]" : host;
}
