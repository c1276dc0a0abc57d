/** Which addresses this process connects to, seen from Node's own diagnostics rather than from the broker's. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

export function watchConnections(): { stop(): readonly string[] } {
  const reached: string[] = []
  const seen = (message: unknown): void => {
    const { socket } = message as { socket: Socket }
    socket.on('connectionAttempt', (address: string) => reached.push(address))
    socket.on('lookup', (_error: unknown, address: unknown) => reached.push(String(address)))
  }
  subscribe('net.client.socket', seen)
  return {
    stop() {
      unsubscribe('net.client.socket', seen)
      return reached
    },
  }
}
