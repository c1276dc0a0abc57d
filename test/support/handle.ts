/** Asks for capabilities as handles, and uses them. */
import { read } from './stage.ts'
import { railway } from './world.ts'

export const asHandle = { token: 'handle' } as const

/** `allowed`, or the code of the refusal. */
export async function outcomeOf(url: string, token: string): Promise<string> {
  const answer = await railway(url, token, read)
  return answer.status === 200 ? 'allowed' : String(answer.json['code'])
}

/** One of the agent's own endpoints at /oauth. */
export async function ownForm(
  url: string,
  path: string,
  form: Record<string, string>,
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    body: new URLSearchParams(form),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}
