using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.OutputCaching;

namespace ShardedCache.AspNetCore.OutputCaching;

/// <summary>
/// The output cache's store over a sharded cache. Reading and writing never fail: what the store cannot do costs the application a
/// response that it generates. Evicting can, because the application asked for it.
/// </summary>
internal sealed class ShardedOutputCacheStore(IPageStore pages, StoreTrouble trouble) : IOutputCacheStore, IOutputCacheBufferStore
{
    public async ValueTask<byte[]?> GetAsync(string key, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        try
        {
            var page = await pages.GetAsync(key, cancellationToken).ConfigureAwait(false);
            trouble.Succeeded(PageUse.Read, key);
            return page;
        }
        catch (Exception e) when (IsFailure(e, cancellationToken))
        {
            trouble.Failed(PageUse.Read, key, e);
            return null;
        }
    }

    public async ValueTask<bool> TryGetAsync(string key, PipeWriter destination, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(destination);
        try
        {
            var isFound = await pages.TryGetAsync(key, destination, cancellationToken).ConfigureAwait(false);
            trouble.Succeeded(PageUse.Read, key);
            if (!isFound)
            {
                return false;
            }
        }
        catch (Exception e) when (IsFailure(e, cancellationToken))
        {
            trouble.Failed(PageUse.Read, key, e);
            return false;
        }

        await destination.FlushAsync(cancellationToken).ConfigureAwait(false);
        return true;
    }

    public ValueTask SetAsync(string key, byte[] value, string[]? tags, TimeSpan validFor, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(value);
        return SetAsync(key, new ReadOnlySequence<byte>(value), tags, validFor, cancellationToken);
    }

    public async ValueTask SetAsync(
        string key, ReadOnlySequence<byte> value, ReadOnlyMemory<string> tags, TimeSpan validFor, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        try
        {
            if (await pages.SetAsync(key, value, tags.Span, validFor, cancellationToken).ConfigureAwait(false) is { } refusal)
            {
                trouble.Refused(refusal);
            }
            else
            {
                trouble.Succeeded(PageUse.Write, key);
            }
        }
        catch (Exception e) when (IsFailure(e, cancellationToken))
        {
            trouble.Failed(PageUse.Write, key, e);
        }
    }

    public async ValueTask EvictByTagAsync(string tag, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tag);
        await pages.EvictAsync(tag, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A caller who gave up learns that; whatever else happens costs him no more than the page.</summary>
    private static bool IsFailure(Exception exception, CancellationToken cancellationToken) =>
        !(exception is OperationCanceledException && cancellationToken.IsCancellationRequested);
}
