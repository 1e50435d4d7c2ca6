using StackExchange.Redis;

namespace ShardedCache.Connections.StackExchangeRedis;

internal sealed class ScriptOperation : EntryOperation
{
    private StoredScript? _script;
    private RedisValue[] _arguments = [];
    private bool _byText;

    public static ScriptOperation Create(StoredScript script, ReadOnlySpan<ReadOnlyMemory<byte>> arguments)
    {
        var operation = Pool<ScriptOperation>.Rent();
        operation._script = script;
        operation._arguments = arguments.IsEmpty ? [] : new RedisValue[arguments.Length];
        for (var i = 0; i < arguments.Length; i++)
        {
            operation._arguments[i] = arguments[i];
        }

        return operation;
    }

    protected override Task SendTo(IDatabaseAsync database, bool isReplica) =>
        database.ScriptEvaluateAsync(_script!.Sha1Bytes, [Key], _arguments, CommandFlags.NoRedirect);

    protected override Task? SendInstead(IDatabaseAsync database, string errorText)
    {
        // Who was told that it is over may have written something else since.
        if (_byText || IsClaimed || ServerErrors.Classify(errorText) != ServerErrorCode.NoScript)
        {
            return null;
        }

        _byText = true;
        try
        {
            return database.ScriptEvaluateAsync(_script!.Text, [Key], _arguments, CommandFlags.NoRedirect | CommandFlags.NoScriptCache);
        }
#pragma warning disable CA1031 // As in EntryOperation: thrown instead of returned.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return Task.FromException<RedisResult>(e);
        }
    }

    protected override Reply Read(Task task)
    {
        var result = ((Task<RedisResult>)task).Result;
        return result.IsNull ? Reply.Nil
            : result.Resp2Type == ResultType.Integer ? new Reply(ReplyKind.Ok, (long)result)
            : Reply.Ok;
    }

    protected override void ReturnToPool(bool payloadIsFree)
    {
        _script = null;
        _arguments = [];
        _byText = false;
        Pool<ScriptOperation>.Return(this);
    }
}
