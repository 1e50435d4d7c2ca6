using ShardedCache.Connections;
using ShardedCache.Sentinels;

namespace ShardedCache.Tests.Sentinels;

public class MasterAgreementTests
{
    private static readonly ServerAddress A = new("10.0.0.1", 6379);
    private static readonly ServerAddress B = new("10.0.0.2", 6379);
    private static readonly ServerAddress C = new("10.0.0.3", 6379);
    private static readonly TimeSpan Reversal = TimeSpan.FromSeconds(10);

    private MasterAgreement _agreement = new(Reversal);
    private TimeSpan _now = TimeSpan.FromHours(1);

    [Fact]
    public void Nothing_is_agreed_before_a_Sentinel_answers()
    {
        Hear();

        Assert.Null(_agreement.Master);
    }

    [Fact]
    public void One_answer_is_enough_to_start()
    {
        Hear(S1(A, 7));

        Expect(A, 7);
    }

    [Fact]
    public void A_higher_epoch_wins_at_once_also_from_one_Sentinel_against_two()
    {
        Hear(S1(A, 7), S2(A, 7), S3(A, 7));
        Hear(S1(B, 8), S2(A, 7), S3(A, 7));

        Expect(B, 8);
    }

    [Fact]
    public void A_minority_with_an_old_answer_changes_nothing_however_long_it_insists()
    {
        Hear(S1(B, 8), S2(B, 8));
        Hear(S1(B, 8), S2(B, 8), S3(A, 7));
        HearFor(TimeSpan.FromMinutes(5), S3(A, 7));

        Expect(B, 8);
    }

    [Fact]
    public void A_minority_with_an_old_answer_that_is_heard_first_is_overruled_by_the_first_newer_one()
    {
        Hear(S3(A, 7));
        _agreement = _agreement.WithRole(A, ServerRole.Master);
        Hear(S3(A, 7), S1(B, 8));

        Expect(B, 8);
    }

    [Fact]
    public void A_returning_old_master_that_calls_itself_master_changes_nothing()
    {
        Hear(S1(A, 7), S2(A, 7), S3(A, 7));
        Hear(S1(B, 8), S2(B, 8), S3(B, 8));

        _agreement = _agreement.WithRole(A, ServerRole.Master);
        Hear(S1(B, 8), S2(B, 8), S3(B, 8));

        Expect(B, 8);
    }

    [Fact]
    public void A_role_alone_never_overrules_the_Sentinels()
    {
        Hear(S1(A, 7), S2(A, 7), S3(A, 7));

        _agreement = _agreement.WithRole(A, ServerRole.Replica);
        HearFor(TimeSpan.FromMinutes(1), S1(A, 7), S2(A, 7), S3(A, 7));

        Expect(A, 7);
    }

    [Fact]
    public void The_old_address_at_the_new_epoch_does_not_win_back()
    {
        Hear(S1(A, 7), S2(A, 7), S3(A, 7));
        Hear(S1(B, 8), S2(A, 7), S3(A, 7));
        Hear(S1(B, 8), S2(A, 8), S3(A, 7));
        HearFor(TimeSpan.FromMinutes(1), S1(B, 8), S2(A, 8), S3(A, 7));

        Expect(B, 8);
    }

    [Fact]
    public void An_address_that_was_left_is_master_again_at_a_higher_epoch()
    {
        Hear(S1(A, 7));
        Hear(S1(B, 8));
        Hear(S1(A, 9));

        Expect(A, 9);
    }

    [Fact]
    public void At_equal_epochs_the_address_of_more_Sentinels_wins_while_no_role_is_known()
    {
        Hear(S1(A, 0));
        Hear(S1(A, 0), S2(B, 0));
        Expect(A, 0);

        Hear(S1(A, 0), S2(B, 0), S3(B, 0));
        Expect(B, 0);
    }

    [Fact]
    public void At_equal_epochs_an_address_that_is_a_replica_gives_way_to_the_other()
    {
        Hear(S1(A, 0), S2(A, 0), S3(B, 0));
        Expect(A, 0);

        _agreement = _agreement.WithRole(A, ServerRole.Replica);
        Hear(S1(A, 0), S2(A, 0), S3(B, 0));
        Expect(B, 0);

        _agreement = _agreement.WithRole(B, ServerRole.Replica);
        Hear(S1(A, 0), S2(A, 0), S3(B, 0));
        Expect(B, 0);
    }

    [Fact]
    public void At_equal_epochs_a_confirmed_master_gives_way_only_to_a_majority_that_lasts()
    {
        Hear(S1(A, 0));
        _agreement = _agreement.WithRole(A, ServerRole.Master);

        HearFor(Reversal - TimeSpan.FromSeconds(1), S1(A, 0), S2(B, 0), S3(B, 0));
        Expect(A, 0);

        HearFor(TimeSpan.FromSeconds(1), S1(A, 0), S2(B, 0), S3(B, 0));
        Expect(B, 0);
    }

    [Fact]
    public void A_lower_epoch_is_accepted_when_a_majority_has_agreed_on_it_for_10_seconds()
    {
        Hear(S1(B, 8), S2(B, 8), S3(B, 8));

        HearFor(Reversal - TimeSpan.FromSeconds(1), S1(C, 0), S2(C, 0), S3(B, 8));
        Expect(B, 8);

        HearFor(TimeSpan.FromSeconds(1), S1(C, 0), S2(C, 0), S3(B, 8));
        Expect(C, 0);
        Assert.True(_agreement.IsReversed);
    }

    [Fact]
    public void The_10_seconds_begin_anew_when_the_majority_is_interrupted()
    {
        Hear(S1(B, 8), S2(B, 8), S3(B, 8));
        HearFor(Reversal - TimeSpan.FromSeconds(1), S1(C, 0), S2(C, 0));
        Hear(S1(C, 0));
        HearFor(Reversal - TimeSpan.FromSeconds(1), S1(C, 0), S2(C, 0));

        Expect(B, 8);
    }

    [Fact]
    public void Two_answers_of_one_Sentinel_are_one_vote()
    {
        Hear(S1(B, 8), S2(B, 8), S3(B, 8));

        HearFor(TimeSpan.FromMinutes(1), S1(C, 0), S1(C, 0));

        Expect(B, 8);
    }

    [Fact]
    public void A_Sentinel_in_TILT_has_no_vote_but_its_news_count()
    {
        Hear(S1(A, 7), S2(A, 7), S3(A, 7));
        HearFor(TimeSpan.FromMinutes(1), S1(C, 0) with { HasVote = false }, S2(C, 0));
        Expect(A, 7);

        Hear(S1(B, 8) with { HasVote = false });
        Expect(B, 8);
    }

    [Fact]
    public void After_a_reset_a_Sentinel_that_missed_it_does_not_undo_it()
    {
        Reset();

        HearFor(TimeSpan.FromMinutes(1), S1(C, 0), S2(C, 0), S3(B, 8));
        HearFor(TimeSpan.FromMinutes(1), S3(B, 8));

        Expect(C, 0);
    }

    [Fact]
    public void After_a_reset_a_failover_is_followed_as_soon_as_a_majority_names_it()
    {
        Reset();

        Hear(S1(A, 1), S2(C, 0), S3(B, 8));
        Expect(C, 0);

        Hear(S1(A, 1), S2(A, 1), S3(B, 8));
        Expect(A, 1);
    }

    [Fact]
    public void After_a_reset_an_epoch_above_all_before_wins_at_once()
    {
        Reset();

        Hear(S1(A, 9), S2(C, 0), S3(B, 8));

        Expect(A, 9);
        Assert.False(_agreement.IsReversed);
    }

    [Fact]
    public void The_agreed_address_stays_when_nobody_answers_any_more()
    {
        Hear(S1(B, 8));
        HearFor(TimeSpan.FromMinutes(1));

        Expect(B, 8);
    }

    private static MasterClaim S1(ServerAddress address, long epoch) => new("s1", address, epoch);

    private static MasterClaim S2(ServerAddress address, long epoch) => new("s2", address, epoch);

    private static MasterClaim S3(ServerAddress address, long epoch) => new("s3", address, epoch);

    private void Reset()
    {
        Hear(S1(B, 8), S2(B, 8), S3(B, 8));
        HearFor(Reversal, S1(C, 0), S2(C, 0), S3(B, 8));
        Expect(C, 0);
    }

    private void HearFor(TimeSpan duration, params MasterClaim[] claims)
    {
        Hear(claims);
        for (var until = _now + duration; _now < until;)
        {
            _now += TimeSpan.FromSeconds(1);
            Hear(claims);
        }
    }

    private void Hear(params MasterClaim[] claims) => _agreement = _agreement.Next(claims, 3, _now);

    private void Expect(ServerAddress master, long epoch)
    {
        Assert.Equal(master, _agreement.Master);
        Assert.Equal(epoch, _agreement.Epoch);
    }
}
