/** Which test files share a process, and which processes come first. */

/** What these are about is the process itself: its memory, its processor time, what it has loaded. */
const alone: readonly string[] = [
  'attack/aws-xml',
  'attack/json-cost',
  'provider/registry',
  'proxy/deliver',
]

/** These start programs, and wait. They come first, few to a group, so that the last to end is a short one. */
const slow: readonly string[] = ['contract', 'faults', 'db', 'browser', 'keeper', 'cli', 'deploy']

/** Neighbours import the same. */
const most = { slow: 3, others: 12 }

/** `root`: the folder of the tests; `files` are below it, and sorted. */
export function groupsOf(files: readonly string[], root: string): string[][] {
  const single: string[] = []
  const waiting: string[] = []
  const others: string[] = []
  for (const file of files) {
    const name = file.slice(root.length)
    if (alone.some((part) => name === `${part}.test.ts`)) single.push(file)
    else if (slow.some((folder) => name.startsWith(`${folder}/`))) waiting.push(file)
    else others.push(file)
  }
  return [...parted(waiting, most.slow), ...parted(single, 1), ...parted(others, most.others)]
}

function parted(files: readonly string[], size: number): string[][] {
  const parts: string[][] = []
  for (let i = 0; i < files.length; i += size) parts.push(files.slice(i, i + size))
  return parts
}
