/**
 * What must be true at the provider before a person is asked at all: `the newest independent backup is younger than a
 * day`. A question of the broker's own, by read-only operations. Only a plain yes counts: whatever could not be
 * established is as good as no.
 */
export const preconditionNames = ['newest_independent_backup', 'newest_surviving_backup'] as const

/**
 * - `newest_independent_backup`  of all the data at stake there is a backup that is kept outside of what holds the data
 * - `newest_surviving_backup`    of all the data at stake there is a backup that this request does not destroy
 */
export type PreconditionName = (typeof preconditionNames)[number]

export type Precondition = {
  readonly name: PreconditionName
  /** The oldest that the newest backup may be. */
  readonly maxAgeSeconds: number
}

export type PreconditionAnswer = {
  readonly result: 'met' | 'unmet' | 'unknown'
  /** One sentence; names of the provider's in it are quoted as JSON, and not made visible yet. */
  readonly detail: string
}

export type UnmetPrecondition = {
  readonly precondition: Precondition
  readonly answer: PreconditionAnswer & { readonly result: 'unmet' | 'unknown' }
}

/**
 * Those that are not met, in their order; empty means that a person may be asked. `check` is absent where the provider's
 * adapter has none. Never rejects.
 */
export async function unmetPreconditions(
  preconditions: readonly Precondition[],
  check: ((precondition: Precondition) => Promise<PreconditionAnswer>) | undefined,
): Promise<readonly UnmetPrecondition[]> {
  const unmet: UnmetPrecondition[] = []
  for (const precondition of preconditions) {
    const { result, detail } = await answerOf(precondition, check)
    if (result !== 'met') unmet.push({ precondition, answer: { result, detail } })
  }
  return unmet
}

async function answerOf(
  precondition: Precondition,
  check: ((precondition: Precondition) => Promise<PreconditionAnswer>) | undefined,
): Promise<PreconditionAnswer> {
  if (check === undefined)
    return { result: 'unknown', detail: 'This provider cannot be asked about it.' }
  try {
    return await check(precondition)
  } catch {
    return { result: 'unknown', detail: 'It could not be asked.' }
  }
}
