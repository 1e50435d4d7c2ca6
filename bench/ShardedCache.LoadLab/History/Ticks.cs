using System.Diagnostics;

namespace ShardedCache.LoadLab.History;

/// <summary>Stopwatch timestamps and milliseconds.</summary>
internal static class Ticks
{
    public static readonly long PerMillisecond = Stopwatch.Frequency / 1000;

    public static long Now => Stopwatch.GetTimestamp();

    public static long Of(double milliseconds) => (long)(milliseconds * PerMillisecond);

    public static long Of(TimeSpan time) => Of(time.TotalMilliseconds);

    public static double Milliseconds(long ticks) => (double)ticks / PerMillisecond;
}
