/** A person who signs in on the page that they came for, as one does. */
import type { Page } from 'playwright-core'
import { adminPassword } from './broker.ts'

export async function signInOn(
  page: Page,
  open: (path: string) => Promise<void>,
  path: string,
  name: string,
): Promise<void> {
  await open(path)
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password').fill(adminPassword)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.locator('.who').waitFor()
}
