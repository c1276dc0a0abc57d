/** Of every provider that ships: no answer about an id is believed that does not say which id it is about. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manifest as anthropic } from '../../../src/provider/anthropic/manifest.ts'
import { manifest as digitalocean } from '../../../src/provider/digitalocean/manifest.ts'
import { manifest as kubernetes } from '../../../src/provider/kubernetes/manifest.ts'
import { manifest as openai } from '../../../src/provider/openai/manifest.ts'
import { manifest as stripe } from '../../../src/provider/stripe/manifest.ts'
import { manifest as supabase } from '../../../src/provider/supabase/manifest.ts'

for (const { name, homes } of [anthropic, digitalocean, kubernetes, openai, stripe, supabase]) {
  test(`${name} has the id that was asked about looked for in the answer`, () => {
    for (const [kind, home] of Object.entries(homes))
      if (home.is === 'asked' && home.path.includes('{id}'))
        assert.notEqual(home.same, undefined, kind)
  })
}
