using System.Diagnostics;

namespace ShardedCache.Testing.Processes;

/// <summary>
/// A small shell process that ends the farm when the host ends, however the host ends: its standard input is a pipe from the host, and
/// at end of file it kills every process whose id is in the farm's directory, then removes the directory. A launched process writes its
/// id first and then looks for the mark that the watchdog sets before it collects ids, so none can slip through.
/// (A parent-death signal would be tied to the thread that forked.)
/// </summary>
internal sealed class Watchdog : IAsyncDisposable
{
    private const string ClosedMark = "closed";

    // Terminal signals reach the whole process group; the watchdog has to outlive the host.
    private const string Script = """
        trap '' INT TERM HUP QUIT
        exec > /dev/null 2>&1
        cd "$1" || exit 1
        while read -r _; do :; done
        : > closed
        for tries in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
          for file in *.pid; do
            [ -e "$file" ] && read -r id < "$file" && kill -9 "$id"
          done
          rm -rf -- "$1" && break
          sleep 0.1
        done
        """;

    private const string LaunchScript = """
        echo $$ > "$1" || exit 1
        [ -e "$2" ] && exit 1
        log="$3"; shift 3
        exec "$@" < /dev/null >> "$log" 2>&1
        """;

    private readonly string _directory;
    private readonly Process _process;
    private int _launches;
    private volatile bool _disposed;

    public Watchdog(string directory)
    {
        _directory = directory;
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true, UseShellExecute = false, WorkingDirectory = "/" };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(Script);
        start.ArgumentList.Add("redis-farm-watchdog");
        start.ArgumentList.Add(directory);
        _process = Process.Start(start) ?? throw new RedisFarmException("The farm's watchdog (/bin/sh) did not start.");
    }

    public Process Launch(string workingDirectory, string logPath, IEnumerable<string> command)
    {
        ObjectDisposedException.ThrowIf(_disposed, typeof(RedisFarm));
        var idFile = Path.Combine(_directory, $"{Interlocked.Increment(ref _launches)}.pid");
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false, WorkingDirectory = workingDirectory };
        string[] arguments =
            ["-c", LaunchScript, "redis-farm-launch", idFile, Path.Combine(_directory, ClosedMark), logPath, .. command];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        process.Exited += (_, _) => Forget(idFile);
        process.Start();
        return process;
    }

    public async ValueTask DisposeAsync()
    {
        _disposed = true;
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The watchdog itself was killed.
        }

        await _process.WaitForExitAsync().ConfigureAwait(false);
        _process.Dispose();
        if (Directory.Exists(_directory))
        {
            Directory.Delete(_directory, recursive: true);
        }
    }

    // The process is gone, and its id may soon be a stranger's.
    private static void Forget(string idFile)
    {
        try
        {
            File.Delete(idFile);
        }
        catch (DirectoryNotFoundException)
        {
            // So is the farm.
        }
    }
}
