using System.Globalization;
using System.Runtime.InteropServices;

namespace ShardedCache.Testing.Processes;

internal static partial class Signals
{
    private const int Term = 15;

    // Linux and the BSDs number these two differently.
    private static readonly int Stop = OperatingSystem.IsLinux() ? 19 : 17;
    private static readonly int Continue = OperatingSystem.IsLinux() ? 18 : 19;

    public static void SendTerm(int processId) => Send(processId, Term);

    public static void SendContinue(int processId) => Send(processId, Continue);

    /// <summary>Returns when the process no longer runs, where the system tells (Linux); the signal alone takes effect a moment later.</summary>
    public static void SendStop(int processId)
    {
        Send(processId, Stop);
        if (OperatingSystem.IsLinux())
        {
            SpinWait.SpinUntil(() => StateOf(processId) is not ('R' or 'S' or 'D'), TimeSpan.FromSeconds(5));
        }
    }

    private static char StateOf(int processId)
    {
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/stat"));
            return stat[stat.LastIndexOf(')') + 2];
        }
        catch (IOException)
        {
            return 'X';
        }
    }

    private static void Send(int processId, int signal)
    {
        const int noSuchProcess = 3;
        if (Kill(processId, signal) != 0 && Marshal.GetLastPInvokeError() is var error and not noSuchProcess)
        {
            throw new RedisFarmException($"Signal {signal} to process {processId} failed: {Marshal.GetPInvokeErrorMessage(error)}.");
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
