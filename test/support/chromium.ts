/**
 * A real browser with a virtual authenticator (WebAuthn over the DevTools protocol), which comes to the broker by the
 * name that PUBLIC_URL has, whatever port the test's broker listens on.
 */
import { existsSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { testPublicUrl } from './browser.ts'
import type { TestBroker } from './broker.ts'

const executablePath = '/usr/bin/chromium'

/** Why the tests that need a browser do not run; false where they do. */
export const withoutChromium: string | false = existsSync(executablePath)
  ? false
  : `there is no ${executablePath} on this machine`

export type Chromium = {
  readonly context: BrowserContext
  readonly page: Page
  /** What the page logged as an error, or threw: nothing, where its Content-Security-Policy lets it work. */
  readonly complaints: readonly string[]
  /** Goes to a path of the broker. */
  readonly open: (path: string) => Promise<void>
}

export async function openChromium(
  t: TestContext,
  broker: Pick<TestBroker, 'url'>,
  look: { readonly colorScheme?: 'light' | 'dark'; readonly width?: number } = {},
): Promise<Chromium> {
  const { host } = new URL(testPublicUrl)
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      `--host-resolver-rules=MAP ${host} ${new URL(broker.url).host}`,
    ],
  })
  t.after(() => browser.close())
  const context = await browser.newContext({
    colorScheme: look.colorScheme ?? 'light',
    viewport: { width: look.width ?? 390, height: 844 },
  })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  const devTools = await context.newCDPSession(page)
  await devTools.send('WebAuthn.enable')
  await devTools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return {
    context,
    page,
    complaints,
    open: (path) => goTo(page, `${testPublicUrl}${path}`),
  }
}

/**
 * Our pages load themselves anew: after what was done on them, when somebody else decided, and from time to time. Where
 * one does so at this very moment, Chromium lets one of the two navigations go; ours is asked for again, after it.
 */
async function goTo(page: Page, address: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await page.goto(address)
      return
    } catch (error) {
      if (attempt === 3 || !gaveWay(error)) throw error
      await page.waitForLoadState('load')
    }
  }
}

const gaveWay = (error: unknown): boolean =>
  error instanceof Error &&
  /is interrupted by another navigation|net::ERR_ABORTED/.test(error.message)
