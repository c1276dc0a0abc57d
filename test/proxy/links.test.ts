import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linksFor, type LinkBase } from '../../src/proxy/links.ts'

const base: LinkBase = {
  origins: ['http://127.0.0.1:9', 'https://api.github.com'],
  path: '/repos/o/r/pulls',
  askedAt: 'https://broker.example/proxy/github/repos/o/r/pulls',
  samePath: (asked, named) => asked === '/repos/o/r/pulls' && named === '/repositories/7/pulls',
}

test('what names the same resource is named by the address that the agent used', () => {
  assert.equal(
    linksFor(
      base,
      '<https://api.github.com/repositories/7/pulls?page=2>; rel="next", <https://api.github.com/repos/o/r/pulls?page=9>; rel="last"',
    ),
    '<https://broker.example/proxy/github/repos/o/r/pulls?page=2>; rel="next", <https://broker.example/proxy/github/repos/o/r/pulls?page=9>; rel="last"',
  )
  assert.equal(
    linksFor(base, '</repos/o/r/pulls?page=2>; rel=next'),
    '<https://broker.example/proxy/github/repos/o/r/pulls?page=2>; rel=next',
  )
  assert.equal(
    linksFor(base, '<?page=2>;rel=next'),
    '<https://broker.example/proxy/github/repos/o/r/pulls?page=2>;rel=next',
  )
})

test('what lies elsewhere at the provider is left out, and what lies with others stays', () => {
  for (const elsewhere of [
    'https://api.github.com/repositories/8/pulls?page=2',
    '/repos/o/other/pulls',
    '//api.github.com/x',
    'HTTPS://API.GITHUB.COM/x',
    'https://api.github.com:443/x',
    'https://someone@api.github.com/x',
    '/repos/o/r/pulls/../../../user',
    'http://127.0.0.1:9/user',
  ])
    assert.equal(linksFor(base, `<${elsewhere}>; rel="next"`), undefined, elsewhere)
  const docs = '<https://docs.example/deprecation>; rel="deprecation"; title="a, b; \\" <x>"'
  assert.equal(linksFor(base, `${docs}, </user>; rel="next"`), docs)
})

test('what is no link is left out', () => {
  for (const broken of ['', 'no link', '<', '<unended', '>', '<https://[>; rel=next'])
    assert.equal(linksFor(base, broken), undefined, broken)
})
