using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;

namespace FarmRunner;

/// <summary>Reads and writes its own entries, one request at a time, and knows what each must be.</summary>
internal sealed class Visitor(WebFarmSite site, int number, int entries)
{
    private readonly int[] _versions = new int[entries];
    private readonly ConcurrentDictionary<int, string> _shards = new();

    public IEnumerable<string> Shards => _shards.Values;

    public int Requests { get; private set; }

    public int Writes { get; private set; }

    public int Failed { get; private set; }

    public string? FirstFailure { get; private set; }

    public TimeSpan Slowest { get; private set; }

    /// <summary>An application that has just started may not have reached its farm yet: 503 for a moment.</summary>
    public async Task StoreAllAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        var waited = Stopwatch.StartNew();
        for (var entry = 0; entry < entries; entry++)
        {
            while (await WriteAsync(entry, cancellationToken) is { } failure)
            {
                if (waited.Elapsed > limit)
                {
                    throw new HttpRequestException(failure);
                }

                await Task.Delay(100, cancellationToken);
            }
        }
    }

    public async Task VisitAsync(CancellationToken stop)
    {
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var began = Stopwatch.GetTimestamp();
            var entry = i % entries;
            var failure = i % 4 == 0 ? await WriteAsync(entry, CancellationToken.None) : await ReadAsync(entry, CancellationToken.None);
            var took = Stopwatch.GetElapsedTime(began);
            Slowest = took > Slowest ? took : Slowest;
            Requests++;
            Writes += i % 4 == 0 ? 1 : 0;
            if (failure is not null)
            {
                Failed++;
                FirstFailure ??= failure;
            }
        }
    }

    /// <summary>How many entries are not what was last stored.</summary>
    public async Task<int> CountLostAsync(CancellationToken cancellationToken)
    {
        var lost = 0;
        for (var entry = 0; entry < entries; entry++)
        {
            lost += await ReadAsync(entry, cancellationToken) is null ? 0 : 1;
        }

        return lost;
    }

    private async Task<string?> WriteAsync(int entry, CancellationToken cancellationToken)
    {
        var version = _versions[entry] + 1;
        using var answer = await site.Http.PutAsync(Path(entry), new StringContent(Value(entry, version)), cancellationToken);
        if (!answer.IsSuccessStatusCode)
        {
            return await DescribeAsync("PUT", entry, answer);
        }

        _versions[entry] = version;
        return null;
    }

    private async Task<string?> ReadAsync(int entry, CancellationToken cancellationToken)
    {
        using var answer = await site.Http.GetAsync(Path(entry), cancellationToken);
        if (answer.StatusCode != HttpStatusCode.OK)
        {
            return await DescribeAsync("GET", entry, answer);
        }

        _shards[entry] = answer.Headers.GetValues("X-Shard").Single();
        var value = await answer.Content.ReadAsStringAsync(cancellationToken);
        return value == Value(entry, _versions[entry]) ? null : $"GET {Path(entry)}: not the value last stored, but {value[..Math.Min(value.Length, 40)]}";
    }

    private async Task<string> DescribeAsync(string method, int entry, HttpResponseMessage answer) =>
        $"{method} {Path(entry)}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}";

    private string Path(int entry) => $"entries/visitor-{number}:{entry}";

    private string Value(int entry, int version) => $"version {version} of entry {entry} of visitor {number}, with characters of more than one byte: äöü€";
}
