using System.Collections.Concurrent;
using ShardedCache.Connections;
using ShardedCache.Sentinels;

namespace ShardedCache.Tests.Shards;

/// <summary>Masters as a test names them.</summary>
internal sealed class FakeMasters(params string[] shards) : IMasterSource
{
    private readonly MasterBoard _board = new(shards);
    private int _refreshes;

    /// <summary>What was reported of each server, in order.</summary>
    public ConcurrentQueue<(ServerAddress Address, ServerRole Role)> Roles { get; } = new();

    public int Refreshes => Volatile.Read(ref _refreshes);

    public void Say(string shard, ServerAddress master, int replicas = 0) =>
        Say(shard, master, [.. Enumerable.Range(0, replicas).Select(static i => new ServerAddress("10.9.9.9", 1 + i))]);

    public void Say(string shard, ServerAddress master, IReadOnlyList<ServerAddress> replicas) => _board.Publish(shard, MasterSnapshot.Unknown with
    {
        Master = master,
        Fault = null,
        DownAfter = TimeSpan.FromSeconds(5),
        Replicas = replicas,
        Promotable = replicas.Count,
    });

    public void Say(string shard, MasterFault fault) => _board.Publish(shard, MasterSnapshot.Unknown with { Fault = fault });

    public void Start()
    {
    }

    public MasterSnapshot Current(string shard) => _board.Current(shard);

    public Task<MasterSnapshot> WaitForChangeAsync(string shard, long afterVersion, CancellationToken cancellationToken) =>
        _board.WaitForChangeAsync(shard, afterVersion, cancellationToken);

    public void RequestRefresh(string shard) => Interlocked.Increment(ref _refreshes);

    /// <summary>Until when the Sentinels take to answer anew.</summary>
    public Task Answer { get; set; } = Task.CompletedTask;

    public Task AskAnewAsync(CancellationToken cancellationToken) => Answer.WaitAsync(cancellationToken);

    public void ReportRole(string shard, ServerAddress address, ServerRole role) => Roles.Enqueue((address, role));

    public ValueTask DisposeAsync()
    {
        _board.Dispose();
        return ValueTask.CompletedTask;
    }
}
