using System.Net;
using System.Net.Sockets;
using ShardedCache.Connections;
using ShardedCache.Connections.Resp;

namespace ShardedCache.Tests.Connections.Resp;

public sealed class RespSenderTests : IDisposable
{
    private const int Payload = 1 << 20;

    private readonly DeadlineSweep _sweep = new(TimeProvider.System);
    private readonly TcpListener _deaf = new(IPAddress.Loopback, 0);
    private readonly RespLink _link = new(1000);
    private readonly PendingReplies _pending = new();

    public RespSenderTests()
    {
        _deaf.Start();
        _link.Connect(new([IPAddress.Loopback], ((IPEndPoint)_deaf.LocalEndpoint).Port, TimeSpan.FromSeconds(20), TimeProvider.System));
        _link.Secure(null, "localhost");
    }

    public void Dispose()
    {
        _link.Abort();
        _deaf.Dispose();
        _sweep.Dispose();
    }

    [Fact]
    public void Where_the_process_has_no_thread_left_to_send_what_the_network_does_not_take_the_connection_ends()
    {
        Exception? failure = null;
        var starts = 0;
        var pump = new RespPump(_ =>
        {
            starts++;
            throw new OutOfMemoryException();
        });
        var sender = new RespSender(_link, _pending, _sweep, pump, e => failure = e);

        for (var i = 0; i < 100 && starts == 0; i++)
        {
            Assert.Null(sender.Add(new Operation(), new Command(new byte[Payload]), mayHoldBack: false));
        }

        Assert.IsType<OutOfMemoryException>(failure);
    }

    [Fact]
    public void A_thread_that_could_not_be_started_is_started_when_it_is_needed_next()
    {
        using var hasRun = new ManualResetEventSlim();
        var starts = 0;
        var pump = new RespPump(thread =>
        {
            if (starts++ == 0)
            {
                throw new OutOfMemoryException();
            }

            thread.UnsafeStart();
        });
        Assert.Throws<OutOfMemoryException>(() => pump.Run(static () => { }));

        pump.Run(hasRun.Set);

        Assert.True(hasRun.Wait(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
        pump.End();
    }

    [Fact]
    public void Once_a_command_is_written_nothing_more_is_needed_that_may_not_be_had()
    {
        var command = new Command(new byte[16]);
        var allocated = new long[3000];
        Array.Fill(allocated, long.MaxValue);

        // As often as Allocations counts, and for the same reason; the pending ones grow at the same commands each time.
        for (var round = 0; round < 5; round++)
        {
            var sender = new RespSender(_link, new PendingReplies(), _sweep, new RespPump(), static _ => { });
            for (var i = 0; i < allocated.Length; i++)
            {
                Assert.Null(sender.Add(new Operation(), command, mayHoldBack: false));
                allocated[i] = Math.Min(allocated[i], GC.GetAllocatedBytesForCurrentThread() - command.AllocatedBefore);
            }
        }

        // What is made once is made for the first ones.
        Assert.All(allocated.Skip(100), static bytes => Assert.Equal(0, bytes));
    }

    private sealed class Command(byte[] payload) : IRespCommand
    {
        public long AllocatedBefore { get; private set; }

        public void WriteTo(RespBuffer buffer)
        {
            buffer.Write(payload);
            AllocatedBefore = GC.GetAllocatedBytesForCurrentThread();
        }
    }

    private sealed class Operation : RespOperation
    {
        public override bool Answer(in RespToken token, ReadOnlySpan<byte> frame) => false;

        public override void Abandon(ReplyKind outcome)
        {
        }

        public override void Complete()
        {
        }
    }
}
