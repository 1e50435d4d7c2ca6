using System.Collections.Concurrent;
using ZiggyCreatures.Caching.Fusion;
using ZiggyCreatures.Caching.Fusion.Backplane;

namespace ShardedCache.AspNetCore.Tests.Layers;

/// <summary>Delivers at once, to the instances of one test.</summary>
internal sealed class InProcessBackplane(InProcessBackplane.Channel channel) : IFusionCacheBackplane
{
    public void Subscribe(BackplaneSubscriptionOptions options)
    {
        channel.Subscribers[this] = options;
        options.ConnectHandler?.Invoke(new BackplaneConnectionInfo(false));
    }

    public async ValueTask SubscribeAsync(BackplaneSubscriptionOptions options)
    {
        channel.Subscribers[this] = options;
        if (options.ConnectHandlerAsync is { } connected)
        {
            await connected(new BackplaneConnectionInfo(false));
        }
    }

    public void Unsubscribe() => channel.Subscribers.TryRemove(this, out _);

    public ValueTask UnsubscribeAsync()
    {
        Unsubscribe();
        return ValueTask.CompletedTask;
    }

    public async ValueTask PublishAsync(BackplaneMessage message, FusionCacheEntryOptions options, CancellationToken token = default)
    {
        foreach (var (subscriber, subscription) in channel.Subscribers)
        {
            if (subscriber != this && subscription.IncomingMessageHandlerAsync is { } handler)
            {
                await handler(message);
            }
        }
    }

    public void Publish(BackplaneMessage message, FusionCacheEntryOptions options, CancellationToken token = default)
    {
        foreach (var (subscriber, subscription) in channel.Subscribers)
        {
            if (subscriber != this)
            {
                subscription.IncomingMessageHandler?.Invoke(message);
            }
        }
    }

    public sealed class Channel
    {
        public ConcurrentDictionary<InProcessBackplane, BackplaneSubscriptionOptions> Subscribers { get; } = new();
    }
}
