/**
 * The pages' own script. It sends what a person starts, and shows what comes back as text, never as markup. Nothing that
 * is in an address or in an answer decides where it goes on to: always to the page it is on, or to a page named in it.
 */
const { SimpleWebAuthnBrowser: webauthn } = globalThis

/** An error whose message is for the person; with the problem's code, where the broker said it. */
class Told extends Error {
  constructor(message, code) {
    super(message)
    this.code = code
  }
}

/** Fetch's own mode, `cors`: in any other, the page's Referrer-Policy would take away the Origin that is checked. */
async function post(path, body, method = 'POST') {
  const response = await fetch(path, {
    method: method === 'PATCH' ? 'PATCH' : 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  // What stands between may answer with a page of its own.
  const answer = await response.json().catch(() => ({}))
  if (response.ok) return answer
  throw new Told(problemOf(answer, response.status), answer.code)
}

/** What is wrong, where in what was typed, and the code by which docs/problems.md has it. */
function problemOf({ detail, errors = [], code }, status) {
  return [
    sentenceOf(detail ?? `the broker answered ${String(status)}`),
    ...(code === 'invalid_request' ? errors : []).map(({ pointer, detail: wrong }) =>
      sentenceOf(`${pointer.slice(1)} ${wrong}`),
    ),
    ...(code === undefined ? [] : [`(${code})`]),
  ].join(' ')
}

function sentenceOf(detail) {
  return `${detail.charAt(0).toUpperCase()}${detail.slice(1)}.`
}

function reload() {
  location.replace(location.pathname)
}

let busy = false

/** Does one thing at a time, and says in `said` how it went wrong. */
async function attempt(said, work) {
  if (busy) return
  busy = true
  setEnabled(false)
  try {
    await work((text) => {
      said.textContent = text
    })
  } catch (error) {
    if (error.code === 'fresh_sign_in_required')
      said.replaceChildren(
        'Nothing was done: it is too long ago that you showed who you are (fresh_sign_in_required). ',
        freshSignIn(),
      )
    else said.textContent = wordsFor(error)
    release()
  }
}

/** Whoever signs in at the identity provider shows it anew who they are, where others give their password. */
function freshSignIn() {
  const link = document.createElement('a')
  link.href = `/sign-in/identity-provider?fresh=yes&next=${encodeURIComponent(location.pathname)}`
  link.textContent = 'Sign in afresh, and come back here.'
  return link
}

/** They have no password that a form could ask for. */
if (document.body.dataset.byProvider !== undefined) {
  for (const field of document.querySelectorAll('input[name=password]'))
    (field.closest('label') ?? field).remove()
}

/**
 * Where a sign-in at the identity provider goes on to: from a page of ours, so that the cookie comes along; in its
 * place, so that nobody comes back to it.
 */
const onward = document.querySelector('[data-onward]')
if (onward !== null) location.replace(onward.dataset.onward)

function release() {
  setEnabled(true)
  busy = false
}

function wordsFor(error) {
  if (error instanceof Told) return error.message
  if (error instanceof TypeError) return 'The broker could not be reached.'
  const name = error?.name ?? ''
  if (name === 'NotAllowedError' || name === 'AbortError')
    return 'The passkey was not used, and nothing was done.'
  if (name === 'InvalidStateError') return 'This device has a passkey of yours already.'
  return 'The passkey could not be used here, and nothing was done.'
}

function setEnabled(enabled) {
  for (const button of document.querySelectorAll('button')) button.disabled = !enabled
}

function saidNear(element) {
  const near = element.closest('form, section')?.querySelector('[data-said]')
  return near ?? document.querySelector('[data-said]') ?? document.createElement('p')
}

function onDecide(article, button) {
  const decision = button.dataset.decide
  const base = `/v1/approvals/${article.dataset.approval}`
  const said = saidNear(button)
  return attempt(said, async (say) => {
    const withCode = button.dataset.withCode !== undefined
    await post(`${base}/decision`, {
      decision,
      ...(withCode ? { code: codeTyped() } : { assertion: await assertionFor(say) }),
    })
    reload()
  })

  async function assertionFor(say) {
    say('Waiting for your passkey…')
    const { options } = await post(`${base}/options`, { decision })
    // What is signed must be what this page shows, to whoever it was shown.
    if (options.challenge !== article.dataset[decision])
      throw new Told('This is not what the page shows any more: load it anew, and read it again.')
    return webauthn.startAuthentication({ optionsJSON: options })
  }
}

function codeTyped() {
  const code = document.querySelector('[data-code]')?.value ?? ''
  if (!/^[0-9]{6}$/.test(code)) throw new Told('A code has six digits.')
  return code
}

function onForm(form, work) {
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const given = Object.fromEntries(new FormData(form))
    void attempt(saidNear(form), (say) => work(given, say))
  })
}

const signIn = document.querySelector('form[data-sign-in]')
if (signIn !== null) {
  onForm(signIn, async ({ name, password }) => {
    await post('/v1/sign-in', { name, password, cookie: true })
    if (signIn.dataset.next === undefined) reload()
    else location.replace(signIn.dataset.next)
  })
  void alreadySignedIn()
}

/**
 * A cookie that is `SameSite=Strict` does not come along when a link is followed from a message: whoever is signed in
 * would be asked for their password again. From here, it does.
 */
async function alreadySignedIn() {
  if (signIn.dataset.next !== undefined) return
  const key = 'valetkey: looked for a sign-in'
  if (Date.now() - Number(sessionStorage.getItem(key) ?? 0) < 10_000) return
  sessionStorage.setItem(key, String(Date.now()))
  const response = await fetch('/v1/me').catch(() => undefined)
  if (response?.ok) reload()
}

const register = document.querySelector('form[data-register]')
if (register !== null) {
  onForm(register, async ({ name, password }, say) => {
    const { options, touch } = await post('/v1/passkeys/options', { password })
    const had = touch === undefined ? {} : { assertion: await touched(touch, say) }
    say('Waiting for your authenticator to make a passkey…')
    const registration = await webauthn.startRegistration({ optionsJSON: options })
    await post('/v1/passkeys', { name, registration, ...had })
    reload()
  })
}

/** Whoever has a passkey adds another only with a touch of it. */
function touched(touch, say) {
  say('Waiting for a passkey that you have…')
  return webauthn.startAuthentication({ optionsJSON: touch })
}

/** What the form's act asks for besides what was typed: where it names a touch, a passkey's, for this act on this subject. */
async function presenceFor({ dataset: { touch: act, subject } }, { password }, say) {
  if (act === undefined) return {}
  const { options } = await post('/v1/passkeys/touch-options', { act, subject, password })
  return { assertion: await touched(options, say) }
}

for (const form of document.querySelectorAll('form[data-act]')) {
  onForm(form, async (given, say) => {
    await post(form.dataset.act, { ...given, ...(await presenceFor(form, given, say)) })
    reload()
  })
}

function checked(form, name) {
  return [...form.querySelectorAll(`input[name=${name}]:checked`)].map(({ value }) => value)
}

/** Access for a time: the passkey signs what is chosen, and nothing that the broker has made of it meanwhile. */
const give = document.querySelector('form[data-give]')
if (give !== null) {
  onForm(give, async ({ seconds, password, code = '' }, say) => {
    const base = `/v1/access-requests/${give.dataset.give}`
    const verbs = checked(give, 'verb')
    if (verbs.length === 0) throw new Told('Choose what is granted, or deny it.')
    const chosen = { verbs, duration_seconds: Number(seconds), password }
    await post(`${base}/grant`, {
      ...chosen,
      ...(code === '' ? { assertion: await assertionFor() } : { code }),
    })
    reload()

    async function assertionFor() {
      const { options, document: signed } = await post(`${base}/options`, chosen)
      const same =
        signed.seconds === chosen.duration_seconds &&
        signed.verbs.length === verbs.length &&
        signed.verbs.every(({ verb }) => verbs.includes(verb))
      if (!same)
        throw new Told('This is not what was chosen: load the page anew, and read it again.')
      say('Waiting for your passkey…')
      return webauthn.startAuthentication({ optionsJSON: options })
    }
  })
}

/** Who may do what. A setup secret is shown here once, so that the page stays. */
for (const form of document.querySelectorAll('form[data-operator]')) {
  const { operator: path, method, touch: act, subject } = form.dataset
  onForm(form, async ({ name, state, person, password }, say) => {
    const hasRoles = form.querySelector('input[name=role]') !== null
    const identity =
      person === undefined ? undefined : { issuer: form.dataset.issuer, subject: person }
    const chosen = {
      ...(hasRoles ? { roles: checked(form, 'role') } : {}),
      ...(state === undefined ? {} : { state }),
    }
    const change = identity === undefined ? chosen : { person: identity }
    const given = { ...(name === undefined ? {} : { name }), ...chosen, ...identity, password }
    const signs = Object.keys(change).length > 0
    const asked = { act, subject: subject ?? name, password, ...(signs ? { change } : {}) }
    const presence =
      act === undefined
        ? {}
        : {
            assertion: await touched(
              (await post('/v1/passkeys/touch-options', asked)).options,
              say,
            ),
          }
    const { setup_secret: secret } = await post(path, { ...given, ...presence }, method)
    if (secret === undefined) return reload()
    say(`Setup secret, shown this once and good for a day: ${secret}`)
    release()
  })
}

const setUp = document.querySelector('form[data-code-set-up]')
if (setUp !== null) {
  onForm(setUp, async (given, say) => {
    const presence = await presenceFor(setUp, given, say)
    const { secret, uri } = await post('/v1/one-time-code', { ...given, ...presence })
    document.querySelector('[data-secret]').textContent = secret
    document.querySelector('[data-uri]').textContent = uri
    document.querySelector('[data-code-secret]').hidden = false
    document.querySelector('[data-code-confirm]').hidden = false
    setUp.hidden = true
    document.querySelector('[data-code-state]').hidden = true
    say('')
    release()
    document.querySelector('[data-code-confirm] input').focus()
  })
}

const article = document.querySelector('[data-approval]')
for (const button of document.querySelectorAll('[data-decide]'))
  button.addEventListener('click', () => void onDecide(article, button))
for (const button of document.querySelectorAll('[data-stop]')) {
  button.addEventListener('click', () => {
    void attempt(saidNear(button), async () => {
      await post(`/v1/approvals/${article.dataset.approval}/cancel`, {})
      reload()
    })
  })
}
for (const button of document.querySelectorAll('[data-freeze]')) {
  button.addEventListener('click', () => {
    void attempt(saidNear(button), async (say) => {
      const reason = `frozen on the page of ${article.dataset.approval}`
      await post('/v1/freezes', { scope: 'agent', subject: button.dataset.freeze, reason })
      say('The agent is frozen: it can do nothing until an admin lifts it.')
      release()
    })
  })
}
for (const button of document.querySelectorAll('[data-sign-out]')) {
  button.addEventListener('click', () => {
    void attempt(saidNear(button), async () => {
      await post('/v1/sign-out', {})
      reload()
    })
  })
}

/** Times that are left, counted from when the page was loaded, by a clock that nobody sets. */
const countdowns = [...document.querySelectorAll('[data-left]')]
function count() {
  for (const element of countdowns) {
    const left = Math.ceil((Number(element.dataset.left) - performance.now()) / 1000)
    const minutes = Math.floor(left / 60)
    element.textContent =
      left <= 0 ? 'now' : minutes > 0 ? `in ${minutes} min ${left % 60} s` : `in ${left} s`
  }
}
if (countdowns.length > 0) {
  count()
  setInterval(count, 1_000)
}

/** Somebody else may decide, or time may: the page says so, unless a person is in the middle of something. */
async function look() {
  if (busy || document.hidden) return
  const response = await fetch(`/v1/approvals/${article.dataset.approval}`).catch(() => undefined)
  if (response?.status === 401) return reload()
  if (!response?.ok) return
  const { state, approved_by: approvedBy } = await response.json()
  if (!busy && `${state} ${approvedBy.length}` !== article.dataset.stamp) reload()
}
if (article !== null && ['waiting', 'going'].includes(article.dataset.kind))
  setInterval(() => void look(), 3_000)
/** Whether something stands in a field, which loading the page anew would lose. */
function typing() {
  return [...document.querySelectorAll('input')].some(({ value }) => value !== '')
}
if (document.querySelector('[data-refresh]') !== null) {
  setInterval(() => {
    if (!busy && !document.hidden && !typing()) reload()
  }, 15_000)
}

setEnabled(true)
