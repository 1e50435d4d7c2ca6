using System.Text.Json;

namespace ShardedCache.LoadLab.Throughput;

/// <summary>A subject's process: takes cells from its input, a line each, and answers with their figures.</summary>
public static class WorkerLoop
{
    public static async Task<int> RunAsync(Subject subject, string name)
    {
        // Of one length, whatever the name, and different for each.
        var prefix = $"{name[..3]}{name.Length % 10}";
        await using (subject)
        {
            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(subject.Operations));
            var (cell, loop) = (default(Cell), default(ClosedLoop));
            while (await Console.In.ReadLineAsync() is { } line)
            {
                var order = JsonSerializer.Deserialize<Order>(line)!;
                if (cell != order.Cell)
                {
                    (cell, loop) = (order.Cell, new ClosedLoop(subject, order.Cell, prefix));
                    await loop.StoreAsync();
                }

                GC.Collect();
                var figures = await loop!.RunAsync(order.Duration);
                await Console.Out.WriteLineAsync(JsonSerializer.Serialize(figures));
            }
        }

        return 0;
    }
}

/// <summary>One round.</summary>
public sealed record Order(Cell Cell, TimeSpan Duration);
