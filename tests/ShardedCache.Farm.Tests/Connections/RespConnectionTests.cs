using ShardedCache.Connections;
using ShardedCache.Connections.Resp;
using ShardedCache.Contract.Connections;

namespace ShardedCache.Farm.Tests.Connections;

public sealed class RespEntryCommandsTests(ServerFixture fixture) : EntryCommandsContract(fixture)
{
    internal override IServerConnector CreateConnector() => new RespConnector(TimeProvider.System);
}

public sealed class RespDeadlineTests(ServerFixture fixture) : DeadlineContract(fixture)
{
    internal override IServerConnector CreateConnector() => new RespConnector(TimeProvider.System);
}

public sealed class RespLifeTests(ServerFixture fixture) : LifeContract(fixture)
{
    internal override IServerConnector CreateConnector() => new RespConnector(TimeProvider.System);
}

public sealed class RespHandshakeTests(ServerFixture fixture) : HandshakeContract(fixture)
{
    internal override IServerConnector CreateConnector() => new RespConnector(TimeProvider.System);
}

public sealed class RespHalfOpenTests : HalfOpenContract
{
    internal override IServerConnector CreateConnector() => new RespConnector(TimeProvider.System);
}

public sealed class RespChaosTests(ServerFixture fixture) : ChaosContract(fixture)
{
    internal override IServerConnector CreateConnector() => new RespConnector(TimeProvider.System);
}
