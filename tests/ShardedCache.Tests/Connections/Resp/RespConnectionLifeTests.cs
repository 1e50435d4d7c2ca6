using System.Buffers;
using System.Net;
using System.Runtime.CompilerServices;
using ShardedCache.Connections;
using ShardedCache.Connections.Resp;

namespace ShardedCache.Tests.Connections.Resp;

public sealed class RespConnectionLifeTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly ConnectionSettings Patient = new() { OperationTimeout = Patience, ConnectTimeout = Patience };
    private static readonly StoredKey Key = new([], "key");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_control_command_is_sent_at_once_also_where_others_are_held_back()
    {
        await using var server = new FakeRespServer(static (_, _) => Task.CompletedTask);
        using var sweep = new DeadlineSweep(TimeProvider.System);
        var pollers = new RespPollers(TimeProvider.System, sweep);
        await using var connection = new RespConnection(server.Address, Patient, sweep, pollers);
        Assert.Null(await connection.ConnectAsync(new([IPAddress.Loopback], server.Address.Port, Patience, TimeProvider.System), tls: null));

        var scope = RespSendScope.Enter();
        var reply = connection.ExecuteAsync(new[] { "HELLO", "3", "SETNAME", "ShardedCache" }, Cancellation).AsTask();
        var isAnswered = ((IAsyncResult)reply).AsyncWaitHandle.WaitOne(TimeSpan.FromSeconds(10));
        scope.Leave();

        Assert.True(isAnswered);
        pollers.End();
    }

    [Fact]
    public void A_poller_that_is_made_when_no_deadline_is_enforced_any_more_is_ended() => AssertIsForgotten(PollerAfterTheEnd());

    [Fact]
    public void A_command_that_could_not_be_written_leaves_nothing_with_its_token()
    {
        using var application = new CancellationTokenSource();
        AssertIsForgotten(FailedWrite(application.Token));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference PollerAfterTheEnd()
    {
        var time = new OwnTime();
        var sweep = new DeadlineSweep(time);
        sweep.Dispose();
        Assert.Throws<ObjectDisposedException>(() => new RespPollers(time, sweep).NewChain());
        return new WeakReference(time);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference FailedWrite(CancellationToken token)
    {
        var sweep = new DeadlineSweep(TimeProvider.System);
        var connection = new RespConnection(new("127.0.0.1", 6379), Patient, sweep, new RespPollers(TimeProvider.System, sweep));
        var payload = new ReadOnlySequence<byte>(new UnreadableMemory().Memory);
        Assert.Throws<InvalidOperationException>(
            () => { _ = connection.SetAsync(Key, [], payload, TimeSpan.FromMinutes(1), CallMode.Asynchronous, token); });
        return new WeakReference(connection);
    }

    private static void AssertIsForgotten(WeakReference reference) => Assert.True(SpinWait.SpinUntil(
        () =>
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return !reference.IsAlive;
        },
        Patience));

    private sealed class OwnTime : TimeProvider;
}
