import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'

/** In place of a message that came and could not be read: it is nested too deep for the stack of this thread, say. */
export class UnreadMessage {
  readonly cause: unknown

  constructor(cause: unknown) {
    this.cause = cause
  }
}

/** Hears every message that comes, those that cannot be read in their turn. */
export const onMessages = <Message>(port: MessagePort, listener: (message: Message | UnreadMessage) => void): void => {
  port.on('message', listener)
  port.on('messageerror', (error) => listener(new UnreadMessage(error)))
}

/** The next message that is there already; undefined where there is none. */
export const nextMessage = <Message>(port: MessagePort): Message | UnreadMessage | undefined => {
  try {
    return (receiveMessageOnPort(port) as { readonly message: Message } | undefined)?.message
  } catch (error) {
    return new UnreadMessage(error)
  }
}
