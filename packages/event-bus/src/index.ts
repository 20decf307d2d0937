export { EventBus, type EventBusOptions, type EventHandler, type Publication, type SubscribeOptions } from './event-bus.ts'
export type { Subscription } from './subscription.ts'
