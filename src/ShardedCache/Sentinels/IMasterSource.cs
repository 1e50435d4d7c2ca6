using ShardedCache.Connections;

namespace ShardedCache.Sentinels;

/// <summary>
/// Who is master of each shard of a farm. All members can be called from any thread; a shard's name that the source was
/// not built with is an <see cref="ArgumentException"/>.
/// </summary>
internal interface IMasterSource : IAsyncDisposable
{
    /// <summary>Begins to ask. Never blocks and never throws; a second call does nothing.</summary>
    void Start();

    MasterSnapshot Current(string shard);

    /// <summary>Completes when <c>Current(shard).Version</c> is greater than <paramref name="afterVersion"/>; cancelled when the source is disposed.</summary>
    Task<MasterSnapshot> WaitForChangeAsync(string shard, long afterVersion, CancellationToken cancellationToken);

    /// <summary>"My connection broke": all Sentinels are asked again now. Cheap, debounced.</summary>
    void RequestRefresh(string shard);

    /// <summary>
    /// Asks the Sentinels anew. Completes when a majority of them has answered since, or each of them has answered or failed to: what
    /// <see cref="Current"/> says then is no memory of who was master before this process was cut off from them.
    /// </summary>
    Task AskAnewAsync(CancellationToken cancellationToken);

    /// <summary>
    /// What <c>ROLE</c> said on a connection to <paramref name="address"/>. It breaks a tie between two addresses of the
    /// same epoch; it never overrules the Sentinels.
    /// </summary>
    void ReportRole(string shard, ServerAddress address, ServerRole role);
}
