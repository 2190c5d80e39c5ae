// A real OpenID provider for tests, whose sign-in form takes any name: what follows a "+" in it
// says how somebody signed in there ("wei+mfa"). Nothing is kept.
import { readFileSync } from 'node:fs'
import Provider from 'oidc-provider'

const settings = JSON.parse(readFileSync(0, 'utf8'))

async function grantEverything(ctx) {
  const { oidc } = ctx
  const grant = new oidc.provider.Grant({
    clientId: oidc.client.clientId,
    accountId: oidc.session.accountId,
  })
  grant.addOIDCScope('openid')
  await grant.save()
  return grant
}

const provider = new Provider(settings.issuer, {
  clients: settings.clients,
  jwks: settings.jwks,
  claims: { openid: ['sub', 'amr'] },
  cookies: { keys: ['tests only'] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  loadExistingGrant: grantEverything,
  pkce: { required: () => true },
  ttl: { AuthorizationCode: 60, IdToken: 60, Interaction: 600, Session: 600, Grant: 600 },
})

const FORM = `<!doctype html><title>Provider</title><form method="post">
<label for="login">Name</label> <input id="login" name="login" autofocus>
<button name="answer" value="yes">Continue</button>
<button name="answer" value="no">Cancel</button></form>`

async function formOf(request) {
  let body = ''
  for await (const part of request) body += part
  return new URLSearchParams(body)
}

provider.use(async (ctx, next) => {
  if (ctx.path === '/favicon.ico') {
    ctx.status = 204
    return undefined
  }
  if (!ctx.path.startsWith('/interaction/')) return next()
  if (ctx.method === 'GET') {
    ctx.type = 'html'
    ctx.body = FORM
    return undefined
  }
  const form = await formOf(ctx.req)
  const [accountId, how] = (form.get('login') ?? '').split('+')
  const result =
    form.get('answer') === 'no'
      ? { error: 'access_denied', error_description: 'they cancelled' }
      : { login: { accountId, amr: how ? ['pwd', how] : ['pwd'] } }
  ctx.respond = false
  return provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false })
})

provider.listen(settings.port, '127.0.0.1', () => process.stdout.write('listening\n'))
