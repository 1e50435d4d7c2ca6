using System.Runtime.CompilerServices;
using ShardedCache.Connections;

namespace ShardedCache.Tests.Connections;

/// <summary>Methods of this builder are like any others, but for what they allocate.</summary>
public class PooledAsyncMethodBuilderTests
{
    private static readonly AsyncLocal<string> Local = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_method_returns_what_it_returns(bool suspends)
    {
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(i, await ReturnAsync(i, suspends ? Task.Run(static () => Thread.Yield(), TestContext.Current.CancellationToken) : Task.CompletedTask));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_method_throws_what_it_throws(bool suspends)
    {
        var gate = new TaskCompletionSource();
        var typed = ThrowAsync<int>(new InvalidOperationException("typed"), suspends ? gate.Task : Task.CompletedTask);
        var untyped = ThrowAsync(new InvalidOperationException("untyped"), suspends ? gate.Task : Task.CompletedTask);
        gate.SetResult();

        Assert.Equal("typed", (await Assert.ThrowsAsync<InvalidOperationException>(async () => await typed)).Message);
        Assert.Equal("untyped", (await Assert.ThrowsAsync<InvalidOperationException>(async () => await untyped)).Message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_cancelled_method_is_cancelled(bool suspends)
    {
        using var cancellation = new CancellationTokenSource();
        await cancellation.CancelAsync();
        var gate = new TaskCompletionSource();
        var typed = ThrowAsync<int>(new OperationCanceledException(cancellation.Token), suspends ? gate.Task : Task.CompletedTask).AsTask();
        var untyped = ThrowAsync(new OperationCanceledException(cancellation.Token), suspends ? gate.Task : Task.CompletedTask).AsTask();
        gate.SetResult();

        Assert.Equal(cancellation.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => typed)).CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => untyped);
        Assert.True(typed.IsCanceled && untyped.IsCanceled);
    }

    [Fact]
    public async Task The_caller_s_context_flows_in_and_the_method_s_does_not_flow_out()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Local.Value = "caller";
        var pending = ChangeLocalAsync(gate.Task);
        Assert.Equal("caller", Local.Value);
        Local.Value = "later";
        gate.SetResult();

        Assert.Equal("caller, method", await pending);
        Assert.Equal("later", Local.Value);
    }

    [Fact]
    public async Task A_second_await_of_the_same_value_task_is_refused_and_harms_no_other_method()
    {
        var gate = new TaskCompletionSource();
        var first = ReturnAsync(1, gate.Task);
        gate.SetResult();
        Assert.Equal(1, await first);
        var second = ReturnAsync(2, Task.Delay(1, TestContext.Current.CancellationToken));

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await first);

        Assert.Equal(2, await second);
    }

    [Fact]
    public void Hundreds_at_once_allocate_nothing()
    {
        const int methods = 500;
        var pending = new ValueTask<int>[methods];
        var gates = new Gate[methods];
        for (var i = 0; i < methods; i++)
        {
            gates[i] = new Gate();
        }

        // Until the pool's queue has its size.
        for (var round = 0; round < 20; round++)
        {
            Run();
        }

        var allocated = Allocations.Of(() =>
        {
            for (var round = 0; round < 10; round++)
            {
                Run();
            }
        });

        // Without optimization the compiler makes each method's state an object of its own.
        var states = typeof(PooledAsyncMethodBuilderTests).GetNestedTypes(System.Reflection.BindingFlags.NonPublic)
            .Single(static type => type.Name.Contains(nameof(PassAsync), StringComparison.Ordinal)).IsValueType ? 0 : methods * 10;
        Assert.Equal(64 * states, allocated);

        void Run()
        {
            for (var i = 0; i < methods; i++)
            {
                gates[i].Close();
                pending[i] = PassAsync(gates[i], i);
            }

            for (var i = 0; i < methods; i++)
            {
                gates[i].Open();
                Assert.True(pending[i].IsCompletedSuccessfully);
                if (pending[i].GetAwaiter().GetResult() != i)
                {
                    throw new InvalidOperationException("Another method's result.");
                }
            }
        }
    }

    [AsyncMethodBuilder(typeof(PooledAsyncMethodBuilder<>))]
    private static async ValueTask<int> ReturnAsync(int value, Task gate)
    {
        await gate.ConfigureAwait(false);
        return value;
    }

    [AsyncMethodBuilder(typeof(PooledAsyncMethodBuilder<>))]
    private static async ValueTask<T> ThrowAsync<T>(Exception exception, Task gate)
    {
        await gate.ConfigureAwait(false);
        throw exception;
    }

    [AsyncMethodBuilder(typeof(PooledAsyncMethodBuilder))]
    private static async ValueTask ThrowAsync(Exception exception, Task gate)
    {
        await gate.ConfigureAwait(false);
        throw exception;
    }

    [AsyncMethodBuilder(typeof(PooledAsyncMethodBuilder<>))]
    private static async ValueTask<string> ChangeLocalAsync(Task gate)
    {
        var before = Local.Value;
        Local.Value = "method";
        await gate.ConfigureAwait(false);
        return $"{before}, {Local.Value}";
    }

    [AsyncMethodBuilder(typeof(PooledAsyncMethodBuilder<>))]
    private static async ValueTask<int> PassAsync(Gate gate, int value)
    {
        await gate;
        return value;
    }

    /// <summary>Awaited without allocating.</summary>
    private sealed class Gate : ICriticalNotifyCompletion
    {
        private Action? _continuation;

        public bool IsCompleted { get; private set; }

        public Gate GetAwaiter() => this;

        public void GetResult()
        {
        }

        public void OnCompleted(Action continuation) => _continuation = continuation;

        public void UnsafeOnCompleted(Action continuation) => _continuation = continuation;

        public void Close() => IsCompleted = false;

        public void Open()
        {
            IsCompleted = true;
            _continuation?.Invoke();
        }
    }
}
