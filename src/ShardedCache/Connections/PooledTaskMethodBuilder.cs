using System.Runtime.CompilerServices;

namespace ShardedCache.Connections;

/// <summary>Builds tasks of asynchronous methods whose state is pooled: the task alone is allocated.</summary>
internal struct PooledTaskMethodBuilder<TResult>
{
    private PooledAsyncMethodBuilder<TResult> _method;
    private AsyncTaskMethodBuilder<TResult> _promise;

    public static PooledTaskMethodBuilder<TResult> Create() => default;

    public Task<TResult> Task => _promise.Task;

    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => _method.Start(ref stateMachine);

    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    public void SetResult(TResult result)
    {
        // This builder lies in the state that goes back to the pool; the task does not.
        var promise = _promise;
        if (_method.Suspended is { } suspended)
        {
            suspended.Recycle();
            promise.SetResult(result);
        }
        else
        {
            _promise.SetResult(result);
        }
    }

    public void SetException(Exception exception)
    {
        var promise = _promise;
        if (_method.Suspended is { } suspended)
        {
            suspended.Recycle();
            promise.SetException(exception);
        }
        else
        {
            _promise.SetException(exception);
        }
    }

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine
    {
        CreateTask();
        awaiter.OnCompleted(_method.Suspend(ref stateMachine).Continue);
    }

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine
    {
        CreateTask();
        awaiter.UnsafeOnCompleted(_method.Suspend(ref stateMachine).Continue);
    }

    /// <summary>Before the state, and this builder with it, is copied: both copies have to know the same task.</summary>
    private void CreateTask() => _ = _promise.Task;
}
