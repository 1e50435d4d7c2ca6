using System.Buffers;
using System.Net;
using System.Net.Sockets;
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

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Whichever_address_of_a_host_is_silent_the_other_one_is_reached(bool isFirst)
    {
        await using var server = new FakeRespServer(static (_, _) => Task.CompletedTask);
        using var silent = new SilentListener(IPAddress.Parse("127.0.0.2"), server.Address.Port);
        using var sweep = new DeadlineSweep(TimeProvider.System);
        var pollers = new RespPollers(TimeProvider.System, sweep);
        await using var connection = new RespConnection(server.Address, Patient, sweep, pollers);
        IPAddress[] addresses = isFirst ? [silent.Address, IPAddress.Loopback] : [IPAddress.Loopback, silent.Address];

        Assert.Null(await connection.ConnectAsync(addresses, TimeSpan.FromMilliseconds(300), tls: null).WaitAsync(Patience, Cancellation));

        Assert.Equal(IPAddress.Loopback, Assert.IsType<IPEndPoint>(connection.Socket.RemoteEndPoint).Address);
        pollers.End();
    }

    [Fact]
    public async Task A_control_command_is_sent_at_once_also_where_others_are_held_back()
    {
        await using var server = new FakeRespServer(static (_, _) => Task.CompletedTask);
        using var sweep = new DeadlineSweep(TimeProvider.System);
        var pollers = new RespPollers(TimeProvider.System, sweep);
        await using var connection = new RespConnection(server.Address, Patient, sweep, pollers);
        Assert.Null(await connection.ConnectAsync([IPAddress.Loopback], Patience, tls: null));

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
        var payload = new ReadOnlySequence<byte>(new Unreadable().Memory);
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

    private sealed class Unreadable : MemoryManager<byte>
    {
        public override Memory<byte> Memory => CreateMemory(8);

        public override Span<byte> GetSpan() => throw new InvalidOperationException("Given back already.");

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }

    /// <summary>As a host that is gone: with a full backlog, the kernel does not answer any more.</summary>
    private sealed class SilentListener : IDisposable
    {
        private readonly List<Socket> _sockets = [];

        public SilentListener(IPAddress address, int port)
        {
            Address = address;
            var listener = NewSocket();
            listener.Bind(new IPEndPoint(address, port));
            listener.Listen(0);
            Socket filler;
            do
            {
                filler = NewSocket();
                filler.Blocking = false;
                Assert.Equal(SocketError.WouldBlock, Assert.Throws<SocketException>(() => filler.Connect(address, port)).SocketErrorCode);
            }
            while (filler.Poll(TimeSpan.FromMilliseconds(500), SelectMode.SelectWrite));
        }

        public IPAddress Address { get; }

        public void Dispose() => _sockets.ForEach(static socket => socket.Dispose());

        private Socket NewSocket()
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            _sockets.Add(socket);
            return socket;
        }
    }
}
