using ShardedCache.Connections.Resp;

namespace ShardedCache.Tests.Connections.Resp;

public class RespPollerTests
{
    [Fact]
    public void It_can_be_ended_whatever_its_thread_is_about()
    {
        for (var i = 0; i < 2000; i++)
        {
            new RespPoller(TimeProvider.System).End();
        }
    }
}
