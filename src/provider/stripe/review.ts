/**
 * What was reviewed of Stripe, and why. The rules of reading: money that leaves, or goes to another account, cannot be
 * taken back (`destructive`); who may be paid, connected accounts, endpoints that Stripe calls and links that open
 * something decide who may do what (`admin`); what lets its holder act without the key is a credential (`secret`).
 * Charging a customer is a plain `write`: it can be refunded, and it is what the API is for.
 */
import type { Condition } from '../../core/condition.ts'
import type { Effect } from '../../core/operation.ts'
import { each, inBody, type Review } from '../compile/review.ts'

const effects = {
  // It computes an invoice that is never made.
  ...each(['read'], ['Invoices.createPreview']),

  // Neither name nor path says so: each undoes or goes on with something, and can itself be undone.
  ...each(
    ['write'],
    [
      'Billing.Meters.reactivate',
      'FinancialConnections.Accounts.subscribe',
      'FinancialConnections.Accounts.unsubscribe',
      'InvoiceRenderingTemplates.unarchive',
      'PaymentIntents.incrementAuthorization',
      'Reviews.approve',
      'SubscriptionSchedules.release',
      'Terminal.Readers.processPaymentIntent',
      'Terminal.Readers.processSetupIntent',
      'Transfers.update',
      'Transfers.updateReversal',
      'V2.MoneyManagement.RecipientVerifications.acknowledge',
    ],
  ),

  // Money leaves, or is committed.
  ...each(
    ['write', 'destructive'],
    [
      'ApplicationFees.createRefund',
      'Climate.Orders.create',
      'Issuing.Authorizations.approve',
      'Issuing.Authorizations.decline',
      'Issuing.Cards.create',
      'Payouts.create',
      'Payouts.reverse',
      'Refunds.create',
      'Terminal.Readers.refundPayment',
      'Topups.create',
      'Transfers.createReversal',
      'Treasury.CreditReversals.create',
      'Treasury.DebitReversals.create',
      'Treasury.InboundTransfers.create',
      'V2.MoneyManagement.InboundTransfers.create',
    ],
  ),
  // It leaves to an account that the request names.
  ...each(
    ['write', 'destructive', 'admin'],
    [
      'Transfers.create',
      'Treasury.OutboundPayments.create',
      'Treasury.OutboundTransfers.create',
      'V2.MoneyManagement.OutboundPayments.create',
      'V2.MoneyManagement.PayoutIntents.confirm',
      'V2.MoneyManagement.PayoutIntents.create',
    ],
  ),

  // Final: a submitted dispute takes no more evidence, a migrated subscription does not go back, what is redacted is gone.
  ...each(
    ['write', 'destructive'],
    ['Identity.VerificationSessions.redact', 'Issuing.Disputes.submit', 'Subscriptions.migrate'],
  ),

  // Where money may go to, and who decides about it.
  ...each(
    ['write', 'admin'],
    [
      'BalanceSettings.update',
      'Issuing.Cardholders.create',
      'Treasury.FinancialAccounts.create',
      'Treasury.FinancialAccounts.update',
      'Treasury.FinancialAccounts.updateFeatures',
      'V2.Core.Vault.GbBankAccounts.create',
      'V2.Core.Vault.GbBankAccounts.unarchive',
      'V2.Core.Vault.UsBankAccounts.confirmMicrodeposits',
      'V2.Core.Vault.UsBankAccounts.create',
      'V2.Core.Vault.UsBankAccounts.unarchive',
      'V2.Core.Vault.UsBankAccounts.update',
      'V2.MoneyManagement.FinancialAccounts.update',
      'V2.MoneyManagement.OutboundSetupIntents.create',
      'V2.MoneyManagement.OutboundSetupIntents.update',
      'V2.MoneyManagement.PayoutIntents.update',
      'V2.MoneyManagement.PayoutMethods.unarchive',
    ],
  ),

  // Connected accounts, and apps that act for this one.
  ...each(
    ['write', 'admin'],
    [
      'Accounts.create',
      'Accounts.createExternalAccount',
      'Accounts.createPerson',
      'Accounts.unreject',
      'Accounts.update',
      'Accounts.updateCapability',
      'Accounts.updateExternalAccount',
      'Accounts.updatePerson',
      'Apps.Installs.create',
      'Apps.Installs.update',
      'V2.Core.AccountTokens.create',
      'V2.Core.Accounts.PersonTokens.create',
      'V2.Core.Accounts.Persons.create',
      'V2.Core.Accounts.Persons.update',
      'V2.Core.Accounts.create',
      'V2.Core.Accounts.update',
    ],
  ),
  ...each(
    ['write', 'destructive', 'admin'],
    [
      'Accounts.del',
      'Accounts.deleteExternalAccount',
      'Accounts.deletePerson',
      'Accounts.reject',
      'Apps.Installs.uninstall',
      'V2.Core.Accounts.Persons.del',
      'V2.Core.Accounts.close',
    ],
  ),

  // Where Stripe sends what happens here.
  ...each(
    ['write', 'admin'],
    [
      'V2.Core.EventDestinations.enable',
      'V2.Core.EventDestinations.ping',
      'V2.Core.EventDestinations.update',
    ],
  ),
  ...each(
    ['write', 'destructive', 'admin'],
    ['V2.Core.EventDestinations.del', 'V2.Core.EventDestinations.disable'],
  ),
  // The answer holds the signing secret, once.
  ...each(
    ['write', 'secret', 'admin'],
    ['V2.Core.EventDestinations.create', 'WebhookEndpoints.create'],
  ),

  // A link or a key with which its holder acts as a connected account, a customer, a reader, a meter.
  ...each(
    ['write', 'secret', 'admin'],
    [
      'AccountLinks.create',
      'AccountSessions.create',
      'Accounts.createLoginLink',
      'EphemeralKeys.create',
      'V2.Core.AccountLinks.create',
    ],
  ),
  ...each(
    ['write', 'secret'],
    [
      'BillingPortal.Sessions.create',
      'CustomerSessions.create',
      'Terminal.ConnectionTokens.create',
      'V2.Billing.MeterEventSession.create',
    ],
  ),
  // A file that was for Stripe and us alone becomes one for whoever has the link.
  ...each(['write', 'secret', 'admin'], ['FileLinks.create', 'FileLinks.update']),
  ...each(['read', 'secret'], ['FileLinks.list', 'FileLinks.retrieve']),

  // Stripe sends a customer's whole card to another server, and keeps what that one said.
  ...each(['write', 'destructive', 'secret', 'admin'], ['Forwarding.Requests.create']),
  ...each(['read', 'secret'], ['Forwarding.Requests.list', 'Forwarding.Requests.retrieve']),
} satisfies Record<string, readonly Effect[]>

/** In whose name a charge is made, and to which account its money goes: other accounts than the key's. */
const otherAccounts: readonly Condition[] = [
  ...['on_behalf_of', 'transfer_data', 'issuer.account', 'liability.account'].flatMap((name) =>
    inBody(name, 4),
  ),
  'body.account',
  'body.account_holder.account',
  'body.destination',
  'body.owner.account',
  'body.related_person.account',
].map((path): Condition => ({ path, adds: ['admin'] }))

/** Expansion shows a card's whole number and its code, and a bank account's number; `include` shows signing secrets. */
const shown: readonly Condition[] = [
  ...['expand.*', 'body.expand.*'].flatMap((path): readonly Condition[] => [
    { path, contains: 'number', adds: ['secret'] },
    { path, contains: 'cvc', adds: ['secret'] },
  ]),
  ...['include.*', 'body.include.*'].map((path): Condition => ({
    path,
    contains: 'secret',
    adds: ['secret'],
  })),
]

const unlessFalse = { noneOf: ['false', ''] } as const

export const review: Review = {
  source: 'stripe operations (stripe-node 23.1)',
  credentialIsEnvironment: true,
  // The general lists mean others by them: a checkout's session, a card network's token, an authorization of a payment …
  harmless: [
    'authorizations',
    'billing',
    'connections',
    'identity',
    'sessions',
    'tokens',
    'transfers',
  ],
  effects,
  denied: {
    'Files.create': 'it goes to another host (files.stripe.com)',
    'OAuth.deauthorize': 'it goes to another host (connect.stripe.com), with the key in its body',
    'OAuth.token': 'it goes to another host (connect.stripe.com), with the key in its body',
    'Quotes.pdf': 'it goes to another host (files.stripe.com)',
    'V2.Billing.MeterEventStream.create':
      'it goes to another host (meter-events.stripe.com), with another credential',
  },
  everywhere: [...otherAccounts, ...shown],
  revealsAnywhere: ['client_secret', 'secret', 'signing_secret', 'authentication_token'],
  conditions: {
    'CreditNotes.create': ['body.refund', 'body.refund_amount', 'body.refunds'].map((path) => ({
      path,
      noneOf: ['0'],
      adds: ['destructive'],
    })),
    'Disputes.update': [{ path: 'body.submit', ...unlessFalse, adds: ['destructive'] }],
    'Invoices.pay': [{ path: 'body.paid_out_of_band', ...unlessFalse, adds: ['destructive'] }],
    'Issuing.Cardholders.update': [{ path: 'body.spending_controls', adds: ['admin'] }],
    'Issuing.Cards.update': [
      { path: 'body.status', equals: 'canceled', adds: ['destructive'] },
      { path: 'body.spending_controls', adds: ['admin'] },
      { path: 'body.pin', adds: ['admin'] },
    ],
    'Issuing.Tokens.update': [{ path: 'body.status', equals: 'deleted', adds: ['destructive'] }],
    'SubscriptionSchedules.update': [
      { path: 'body.end_behavior', equals: 'cancel', adds: ['destructive'] },
    ],
    'Subscriptions.update': [
      { path: 'body.cancel_at', noneOf: [''], adds: ['destructive'] },
      { path: 'body.cancel_at_period_end', ...unlessFalse, adds: ['destructive'] },
      { path: 'body.items.*.deleted', ...unlessFalse, adds: ['destructive'] },
      { path: 'body.items.*.clear_usage', ...unlessFalse, adds: ['destructive'] },
    ],
  },
}
