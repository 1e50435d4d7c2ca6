using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace ShardedCache.Connections;

/// <summary>
/// Builds value tasks of asynchronous methods whose state is pooled, in any number at once. The framework's pooling builder keeps one
/// state for each thread and one for each processor: with hundreds of operations in flight nearly each of them allocates.
/// </summary>
/// <remarks>A value task that it has built is awaited exactly once.</remarks>
internal struct PooledAsyncMethodBuilder<TResult>
{
    private Operation? _operation;
    private TResult _result;
    private Exception? _exception;

    public static PooledAsyncMethodBuilder<TResult> Create() => default;

    public readonly ValueTask<TResult> Task =>
        _operation is { } operation ? new ValueTask<TResult>(operation, operation.Version)
        : _exception is { } exception ? FromException(exception)
        : new ValueTask<TResult>(_result);

    /// <summary>The state of the method, once it was suspended.</summary>
    internal readonly Operation? Suspended => _operation;

    /// <summary>As <see cref="Task"/>, without the result.</summary>
    internal readonly ValueTask UntypedTask =>
        _operation is { } operation ? new ValueTask(operation, operation.Version)
        : _exception is { } exception ? new ValueTask(FromException(exception).AsTask())
        : default;

    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine
    {
        // The framework's keeps what the method changes of the execution context its own, and touches nothing of its builder.
        var framework = default(AsyncValueTaskMethodBuilder);
        framework.Start(ref stateMachine);
    }

    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    public void SetResult(TResult result)
    {
        if (_operation is null)
        {
            _result = result;
        }
        else
        {
            _operation.SetResult(result);
        }
    }

    public void SetException(Exception exception)
    {
        if (_operation is null)
        {
            _exception = exception;
        }
        else
        {
            _operation.SetException(exception);
        }
    }

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.OnCompleted(Suspend(ref stateMachine).Continue);

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.UnsafeOnCompleted(Suspend(ref stateMachine).Continue);

    /// <summary>Canceled, where the exception says so.</summary>
    private static ValueTask<TResult> FromException(Exception exception)
    {
        var framework = AsyncValueTaskMethodBuilder<TResult>.Create();
        framework.SetException(exception);
        return framework.Task;
    }

    internal Operation Suspend<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine
    {
        if (_operation is not { } operation)
        {
            var typed = Pool<Operation<TStateMachine>>.Rent();

            // Before the state is copied: the copy, which goes on, has to know its operation.
            _operation = operation = typed;
            typed.StateMachine = stateMachine;
        }

        operation.Context = ExecutionContext.Capture();
        return operation;
    }

    /// <summary>A method that is suspended, and the source of its value task.</summary>
    internal abstract class Operation : IValueTaskSource<TResult>, IValueTaskSource
    {
        private ManualResetValueTaskSourceCore<TResult> _source;

        public short Version => _source.Version;

        public ExecutionContext? Context { get; set; }

        public abstract Action Continue { get; }

        public void SetResult(TResult result) => _source.SetResult(result);

        public void SetException(Exception exception) => _source.SetException(exception);

        public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _source.OnCompleted(continuation, state, token, flags);

        public TResult GetResult(short token)
        {
            if (_source.GetStatus(token) == ValueTaskSourceStatus.Pending)
            {
                throw new InvalidOperationException("The operation has not ended: await it.");
            }

            try
            {
                return _source.GetResult(token);
            }
            finally
            {
                _source.Reset();
                Recycle();
            }
        }

        void IValueTaskSource.GetResult(short token) => GetResult(token);

        /// <summary>Back to the pool: its method has ended, and nobody refers to it any more.</summary>
        public abstract void Recycle();
    }

    private sealed class Operation<TStateMachine> : Operation
        where TStateMachine : IAsyncStateMachine
    {
        private static readonly ContextCallback Move = static operation => ((Operation<TStateMachine>)operation!).StateMachine!.MoveNext();

        public TStateMachine? StateMachine;

        public Operation() => Continue = MoveNext;

        public override Action Continue { get; }

        public override void Recycle()
        {
            (StateMachine, Context) = (default, null);
            Pool<Operation<TStateMachine>>.Return(this);
        }

        private void MoveNext()
        {
            if (Context is { } context)
            {
                ExecutionContext.Run(context, Move, this);
            }
            else
            {
                StateMachine!.MoveNext();
            }
        }
    }
}

/// <summary>The same for methods without a result.</summary>
internal struct PooledAsyncMethodBuilder
{
    private PooledAsyncMethodBuilder<bool> _builder;

    public static PooledAsyncMethodBuilder Create() => default;

    public readonly ValueTask Task => _builder.UntypedTask;

    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => _builder.Start(ref stateMachine);

    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    public void SetResult() => _builder.SetResult(true);

    public void SetException(Exception exception) => _builder.SetException(exception);

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => _builder.AwaitOnCompleted(ref awaiter, ref stateMachine);

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => _builder.AwaitUnsafeOnCompleted(ref awaiter, ref stateMachine);
}
