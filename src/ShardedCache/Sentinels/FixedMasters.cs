using ShardedCache.Connections;

namespace ShardedCache.Sentinels;

/// <summary>
/// A farm of fixed end points: the connection string's address is the master, always. A shard's name is its end point's.
/// </summary>
internal sealed class FixedMasters : IMasterSource
{
    private readonly MasterBoard _board;

    public FixedMasters(IReadOnlyDictionary<string, ServerAddress> endPoints)
    {
        _board = new MasterBoard(endPoints.Keys);
        foreach (var (shard, address) in endPoints)
        {
            _board.Publish(shard, MasterSnapshot.Unknown with { Master = address, Fault = null });
        }
    }

    public void Start()
    {
    }

    public MasterSnapshot Current(string shard) => _board.Current(shard);

    public Task<MasterSnapshot> WaitForChangeAsync(string shard, long afterVersion, CancellationToken cancellationToken) =>
        _board.WaitForChangeAsync(shard, afterVersion, cancellationToken);

    public void RequestRefresh(string shard)
    {
    }

    public Task AskAnewAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void ReportRole(string shard, ServerAddress address, ServerRole role)
    {
    }

    public ValueTask DisposeAsync()
    {
        _board.Dispose();
        return ValueTask.CompletedTask;
    }
}
