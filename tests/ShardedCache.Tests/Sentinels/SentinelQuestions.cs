using ShardedCache.Connections;
using ShardedCache.Sentinels;

namespace ShardedCache.Tests.Sentinels;

/// <summary>What is asked of three Sentinels that watch two shards.</summary>
public abstract class SentinelQuestions : IAsyncDisposable
{
    private protected static readonly ServerAddress A = SentinelWorld.A;
    private protected static readonly ServerAddress B = SentinelWorld.B;

    private protected SentinelWorld World { get; } = new();

    private protected IReadOnlyList<FakeSentinel> Sentinels => World.Sentinels;

    private protected MasterSnapshot Shard0 => World.Shard0;

    public async ValueTask DisposeAsync()
    {
        await World.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
