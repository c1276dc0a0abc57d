import assert from 'node:assert/strict'
import { test } from 'node:test'
import { complaintAboutIssuer } from '../../src/federation/issuer.ts'
import { isPublicAddress } from '../../src/proxy/address.ts'

const complaint = (issuer: string, internal = false, jwksUri?: string): string | undefined =>
  complaintAboutIssuer(
    { issuer, internal, ...(jwksUri === undefined ? {} : { jwksUri }) },
    isPublicAddress,
  )

test('issuers as CI systems, clusters and identity providers spell them are taken', () => {
  for (const issuer of [
    'https://token.actions.githubusercontent.com',
    'https://token.actions.githubusercontent.com/acme',
    'https://gitlab.com',
    'https://gitlab.example:8443',
    'https://oidc.eks.eu-west-1.amazonaws.com/id/ABCDEF',
    'https://login.example/0000-1111/v2.0',
    'https://tenant.example/',
    'https://8.8.8.8',
  ])
    assert.equal(complaint(issuer), undefined, issuer)
  for (const issuer of [
    'https://kubernetes.default.svc.cluster.local',
    'https://kubernetes',
    'https://10.0.0.1:6443',
    'https://[fd00::1]',
    'http://localhost:8080',
    'http://127.0.0.1:8080/realms/a',
    'http://[::1]:8080',
  ]) {
    assert.equal(complaint(issuer, true), undefined, issuer)
    assert.ok(complaint(issuer) !== undefined || issuer.includes('cluster.local'), issuer)
  }
})

test('the place of the keys is looked at like the issuer, and may have a query', () => {
  const issuer = 'https://issuer.example'
  assert.equal(complaint(issuer, false, 'https://issuer.example/keys?p=1'), undefined)
  assert.match(String(complaint(issuer, false, 'http://issuer.example/keys')), /its keys: .*https/)
  assert.match(String(complaint(issuer, false, 'https://10.0.0.1/keys')), /public internet/)
  assert.equal(complaint(issuer, true, 'https://10.0.0.1/keys'), undefined)
})

test('what has a second spelling, or means something else to another parser, is no issuer', () => {
  for (const issuer of [
    '',
    'issuer.example',
    'HTTPS://issuer.example',
    'https://Issuer.example',
    'https://issuer.example:443',
    'https://issuer.example//../a',
    'https://issuer.example/a/./b',
    'https://issuer.example/a b',
    'https://issuer.example\\@evil.example',
    'https://issuer.example\t',
    ' https://issuer.example',
    'https:/issuer.example',
    'https://me@issuer.example',
    'https://me:pw@issuer.example',
    'https://@issuer.example',
    'https://issuer.example?',
    'https://issuer.example/?a=b',
    'https://issuer.example/#',
    'https://issuer.example/#a',
    'https://issuer.example.',
    'https://іssuer.example',
    'https://ISSUER。example',
    'https://127.1',
    'https://2130706433',
    'https://0x7f.0.0.1',
    'https://[::ffff:127.0.0.1]',
    'http://issuer.example',
    'ftp://issuer.example',
    'file:///etc/passwd',
    'data:application/json,{}',
    `https://issuer.example/${'a'.repeat(1_024)}`,
  ])
    for (const internal of [false, true])
      assert.ok(complaint(issuer, internal) !== undefined, `${issuer} ${internal}`)
})

test('an internal issuer is in plain http on loopback only, and never where clouds keep credentials', () => {
  for (const issuer of [
    'http://10.0.0.1',
    'http://keycloak',
    'http://127.0.0.1.evil.example',
    'http://localhost.evil.example',
    'https://169.254.169.254',
    'https://169.254.170.2',
    'http://169.254.169.254',
    'https://[fe80::1]',
    'https://[fd00:ec2::254]',
    'https://[::ffff:a9fe:a9fe]',
    'https://[64:ff9b::a9fe:a9fe]',
  ])
    assert.ok(complaint(issuer, true) !== undefined, issuer)
})
