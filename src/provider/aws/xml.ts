/**
 * A small subset of XML that every reader understands alike: elements, attributes, text, the five named entities and
 * numeric ones. No document type, no entity of its own, no CDATA, comment or processing instruction, no text beside
 * elements. What is outside of it is refused, for requests and for the provider's own answers. One pass, no recursion.
 */

export type Element = {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly Element[]
  /** Empty where there are children. */
  readonly text: string
}

type Open = {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: Element[]
  text: string
}

const deepest = 40
const mostElements = 100_000

const declaration =
  /^<\?xml version=(["'])1\.0\1(?: encoding=(["'])(?:UTF|utf)-8\2)?(?: standalone=(["'])(?:yes|no)\3)? ?\?>\s*/
const tag =
  /<(\/?)([A-Za-z_][A-Za-z0-9_:.-]{0,100})((?:\s+[A-Za-z_][A-Za-z0-9_:.-]{0,60}="[^"<]{0,500}")*)\s*(\/?)>/y
const attribute = /([A-Za-z_][A-Za-z0-9_:.-]*)="([^"]*)"/g
/** XML 1.0 section 2.2: what is no character of a document. */
// oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
const notXml = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/

/** Undefined where it is not XML of this kind. */
export function parseXml(document: string): Element | undefined {
  if (notXml.test(document) || !document.isWellFormed()) return undefined
  let at = declaration.exec(document)?.[0].length ?? 0
  const open: Open[] = []
  let elements = 0
  for (;;) {
    tag.lastIndex = at
    const match = tag.exec(document)
    if (match === null || ++elements > mostElements * 2) return undefined
    const [whole, closing = '', name = '', rest = '', empty = ''] = match
    at += whole.length
    if (closing === '') {
      const attributes = readAttributes(rest)
      if (attributes === undefined || open.length >= deepest) return undefined
      const element: Open = { name, attributes, children: [], text: '' }
      if (empty === '') open.push(element)
      else {
        const parent = open.at(-1)
        if (parent === undefined) return onlySpace(document.slice(at)) ? element : undefined
        parent.children.push(element)
      }
    } else {
      const element = open.pop()
      if (element === undefined || element.name !== name || rest !== '' || empty !== '')
        return undefined
      if (element.children.length > 0) element.text = ''
      const parent = open.at(-1)
      if (parent === undefined) return onlySpace(document.slice(at)) ? element : undefined
      parent.children.push(element)
    }
    // Up to the next tag: the text of an element without children, or blanks between children.
    const next = document.indexOf('<', at)
    const inside = open.at(-1)
    if (next === -1 || inside === undefined) return undefined
    const raw = document.slice(at, next)
    at = next
    const closes = document.startsWith('</', next)
    if (inside.children.length > 0 || !closes) {
      if (!onlySpace(raw)) return undefined
    } else {
      const text = unescapeXml(raw)
      if (text === undefined) return undefined
      inside.text = text
    }
  }
}

function onlySpace(text: string): boolean {
  return /^[ \t\r\n]*$/.test(text)
}

function readAttributes(text: string): ReadonlyMap<string, string> | undefined {
  const attributes = new Map<string, string>()
  for (const [, name = '', raw = ''] of text.matchAll(attribute)) {
    const value = unescapeXml(raw)
    if (value === undefined || attributes.has(name)) return undefined
    attributes.set(name, value)
  }
  return attributes
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** Undefined where an `&` begins anything but a known entity. */
function unescapeXml(text: string): string | undefined {
  if (!text.includes('&')) return text.includes(']]>') ? undefined : normalLines(text)
  let good = !text.includes(']]>')
  const result = normalLines(text).replace(/&([^;&]{0,12});?/g, (whole, body: string) => {
    const entity = Object.hasOwn(named, body) ? named[body] : numeric(body)
    if (entity === undefined || !whole.endsWith(';')) good = false
    return entity ?? ''
  })
  return good ? result : undefined
}

/** XML 1.0 section 2.11: every reader sees one line feed. */
function normalLines(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text
}

function numeric(body: string): string | undefined {
  const match = /^#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}))$/.exec(body)
  if (match === null) return undefined
  const [, hex, decimal] = match
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
  const surrogate = code >= 0xd800 && code <= 0xdfff
  if (code > 0x10ffff || surrogate) return undefined
  const text = String.fromCodePoint(code)
  return notXml.test(text) ? undefined : text
}

/** Text for an element or an attribute. Line ends are written as entities, which no reader normalises. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"'\r\n\t]/g, (mark) => `&#${mark.charCodeAt(0)};`)
}

/**
 * Text for an element that people read. What XML cannot hold (section 2.2), and what a terminal would obey or not show,
 * is written `\u001b`: in a text that is JSON, which has it in strings alone, that is the same character still.
 */
export function visibleXml(text: string): string {
  return text
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (mark) => mark.split('').map(escapedUnit).join(''))
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}

function escapedUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** Direct children of this name. */
export function childrenOf(element: Element | undefined, name: string): readonly Element[] {
  return element?.children.filter((child) => child.name === name) ?? []
}
