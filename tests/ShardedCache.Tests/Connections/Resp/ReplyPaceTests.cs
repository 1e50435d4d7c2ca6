using ShardedCache.Connections.Resp;

namespace ShardedCache.Tests.Connections.Resp;

public class ReplyPaceTests
{
    private readonly ReplyPace _pace = new();

    [Fact]
    public void Where_replies_come_soon_they_are_looked_for_again_and_again()
    {
        for (var i = 0; i < 100; i++)
        {
            Wait(comesAtLook: 2 + (i % 20));
            Wait(comesAtLook: i % 4 == 0 ? int.MaxValue : 1 + (i % 20));
        }

        Assert.InRange(Wait(comesAtLook: int.MaxValue), 10, 100);
    }

    [Fact]
    public void Where_they_come_from_afar_one_look_is_enough_nearly_always()
    {
        Repeat(100, comesAtLook: int.MaxValue);

        var looks = Enumerable.Range(0, 1000).Select(_ => Wait(comesAtLook: int.MaxValue)).ToList();

        Assert.InRange(looks.Count(static count => count == 1), 900, 999);
    }

    [Fact]
    public void What_the_first_look_finds_does_not_make_it_look_again()
    {
        Repeat(100, comesAtLook: int.MaxValue);
        Repeat(100, comesAtLook: 1);

        Assert.InRange(Enumerable.Range(0, 15).Count(_ => Wait(comesAtLook: int.MaxValue) == 1), 14, 15);
    }

    [Fact]
    public void That_a_server_has_come_near_is_found_out()
    {
        Repeat(100, comesAtLook: int.MaxValue);
        Repeat(1000, comesAtLook: 5);

        Assert.InRange(Wait(comesAtLook: int.MaxValue), 10, 100);
    }

    private void Repeat(int count, int comesAtLook)
    {
        for (var i = 0; i < count; i++)
        {
            Wait(comesAtLook);
        }
    }

    /// <summary>How often it was looked.</summary>
    private int Wait(int comesAtLook)
    {
        var most = _pace.LooksToTake();
        if (comesAtLook <= most)
        {
            _pace.Found(comesAtLook);
            return comesAtLook;
        }

        _pace.Missed(most);
        return most;
    }
}
