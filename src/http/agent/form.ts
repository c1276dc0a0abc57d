/** Form bodies (RFC 6749 Appendix B). A parameter that comes twice makes the request mean two things (§3.2). */
export function readForm(
  text: string,
): { readonly fields: Record<string, string> } | { readonly error: string } {
  const fields: Record<string, string> = Object.create(null) as Record<string, string>
  let count = 0
  for (const [name, value] of new URLSearchParams(text)) {
    if (++count > 50) return { error: 'the form has more than 50 parameters' }
    if (Object.hasOwn(fields, name))
      return { error: `the parameter ${JSON.stringify(name.slice(0, 40))} came twice` }
    // RFC 6749 §3.1: without a value, it is as if it had been left out.
    if (value !== '') fields[name] = value
  }
  return { fields }
}
