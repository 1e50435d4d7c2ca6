using System.Globalization;

namespace ShardedCache.LoadLab.History;

/// <summary>What happened to one key, line by line, for people.</summary>
internal static class KeyStory
{
    public static IReadOnlyList<string> Tell(IEnumerable<Operation> operations, int key, long origin) =>
        [.. operations.Where(operation => operation.Key == key).OrderBy(static operation => operation.Start).Select(operation => Line(operation, origin))];

    private static string Line(Operation operation, long origin)
    {
        var value = operation.Kind == OperationKind.Set || operation.Outcome == Outcome.Hit ? $" {operation.Value}" : "";
        var absolute = operation.AbsoluteMilliseconds > 0 && operation.Kind == OperationKind.Set ? $" absolute {operation.AbsoluteMilliseconds}" : "";
        var sliding = operation.SlidingMilliseconds > 0 && operation.Kind == OperationKind.Set ? $" sliding {operation.SlidingMilliseconds}" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Ticks.Milliseconds(operation.Start - origin):0.00} to {Ticks.Milliseconds(operation.End - origin):0.00} process {operation.Process} {operation.Form} {operation.Kind}{value}{absolute}{sliding}: {operation.Outcome}{(operation.IsFinal ? " (final)" : "")}");
    }
}
