/** One request that names two operations: the policy must not read the one and AWS the other. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { awsRequest, dynamo, form, identified, refused, versions } from '../provider/aws/request.ts'

const type = { 'content-type': 'application/x-www-form-urlencoded' }
const ec2 = (body: string, more: Partial<Parameters<typeof awsRequest>[0]> = {}) =>
  awsRequest({ service: 'ec2', headers: type, body, ...more })
const describe = `Action=DescribeInstances&Version=${versions.ec2}`

it('refuses an Action that comes twice, in any spelling', () => {
  for (const body of [
    `${describe}&Action=TerminateInstances`,
    `Action=TerminateInstances&${describe}`,
    `${describe}&action=TerminateInstances`,
    `${describe}&%41ction=TerminateInstances`,
    `${describe}&Action.1=TerminateInstances`,
    `${describe}&Action%00=TerminateInstances`,
    `${describe}&+Action=TerminateInstances`,
    `${describe}&Operation=TerminateInstances`,
    `${describe};Action=TerminateInstances`,
    `${describe}\r\n&Action=TerminateInstances`,
    `${describe}&Version=2006-06-26`,
    'Action=DescribeInstances,TerminateInstances&Version=2016-11-15',
  ]) {
    assert.match(refused(ec2(body)), /^(?:not_understood|operation_unknown)/, body)
  }
})

it('refuses an Action in the query, beside the form’s or instead of it', () => {
  for (const query of ['Action=TerminateInstances', 'x=1', 'Action=DescribeInstances'])
    assert.match(refused(ec2(describe, { query })), /without a query/)
  assert.match(refused(ec2('', { method: 'GET', query: describe })), /^method_not_allowed/)
  assert.match(refused(ec2(describe, { path: '/TerminateInstances' })), /^not_understood/)
})

it('refuses an X-Amz-Target where the operation is named elsewhere', () => {
  const headers = { ...type, 'x-amz-target': 'DynamoDB_20120810.DeleteTable' }
  assert.match(refused(ec2(describe, { headers })), /X-Amz-Target/)
  for (const service of ['s3', 'sts', 'iam', 'rds'])
    assert.match(refused(awsRequest({ service, headers, body: describe })), /X-Amz-Target/)
})

it('reads the target of DynamoDB to the letter', () => {
  const request = dynamo('ListTables', {})
  for (const target of [
    'dynamodb_20120810.ListTables',
    'DynamoDB_20111205.ListTables',
    'DynamoDBStreams_20120810.ListTables',
    'DynamoDB_20120810.listTables',
    'DynamoDB_20120810.ListTables, DynamoDB_20120810.DeleteTable',
    'DynamoDB_20120810.',
    'DynamoDB_20120810.toString',
    '',
  ]) {
    assert.match(
      refused({ ...request, headers: { ...request.headers, 'x-amz-target': target } }),
      /^operation_unknown/,
      target,
    )
  }
})

it('does not take a form for DynamoDB, nor JSON for EC2, nor another charset', () => {
  const json = { 'content-type': 'application/x-amz-json-1.0' }
  assert.match(refused(ec2(describe, { headers: json })), /^unsupported_media_type/)
  const utf16 = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-16' }
  assert.match(refused(ec2(describe, { headers: utf16 })), /^unsupported_media_type/)
  const gzip = { ...type, 'content-encoding': 'gzip' }
  assert.match(refused(ec2(describe, { headers: gzip })), /^unsupported_media_type/)
  const table = dynamo('ListTables', {})
  assert.match(
    refused({ ...table, headers: { ...table.headers, ...type } }),
    /^unsupported_media_type/,
  )
})

it('refuses parameters under two names, lists with gaps or two first members, and unknown ones', () => {
  const id = 'i-0123456789abcdef0'
  for (const fields of [
    `InstanceId=${id}`,
    `InstanceId.1=${id}&InstanceId.1=${id}`,
    `InstanceId.1=${id}&InstanceId.01=${id}`,
    `InstanceId.1=${id}&InstanceId.3=${id}`,
    `InstanceId.0=${id}`,
    `InstanceId.1=${id}&InstanceId=${id}`,
    `InstanceId.1=${id}&instanceId.2=${id}`,
    `InstanceId.1=${id}&InstanceIds.1=${id}`,
    `InstanceId.member.1=${id}`,
    `InstanceId.1.Value=${id}`,
    `InstanceId.__proto__=${id}`,
    `InstanceId.constructor=${id}`,
    `InstanceId.1=${id}&DryRun=TRUE`,
    `InstanceId.1=${id}&DryRun=1`,
    `InstanceId.1=${id}&DryRun=false&DryRun=true`,
  ]) {
    assert.match(refused(form('ec2', 'TerminateInstances', fields)), /^not_understood/, fields)
  }
  assert.ok(identified(form('ec2', 'TerminateInstances', `InstanceId.1=${id}`)))
})

it('refuses JSON that two parsers read differently', () => {
  for (const body of [
    '{"TableName":"staging","TableName":"prod"}',
    '{"TableName":"staging","tableName":"prod"}',
    '{"TableName":"staging","Table\\u004eame":"prod"}',
    '{"TableName":"staging","__proto__":{"TableName":"prod"}}',
    '{"TableName":"staging"}{"TableName":"prod"}',
    '\ufeff{"TableName":"staging"}',
    '[{"TableName":"staging"}]',
    '',
  ]) {
    assert.match(refused(dynamo('DeleteTable', body)), /^not_understood/, body)
  }
})
