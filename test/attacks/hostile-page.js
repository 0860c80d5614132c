/**
 * The script of a hostile page: everything that a page can do to an address of this machine. Each
 * try resolves, when the browser is through with it, with whatever the page has learned.
 */

/** What a request by script brought: the beginning of the body, where the browser shows it. */
async function read(asking) {
  try {
    const answer = await asking
    const { value } = (await answer.body?.getReader().read()) ?? {}
    return `${answer.type} ${answer.status} ${new TextDecoder().decode(value)}`
  } catch (error) {
    return String(error)
  }
}

/** Puts an element into the page and waits until it has loaded, or has not. */
function load(name, properties) {
  return new Promise((resolve) => {
    const element = Object.assign(document.createElement(name), properties)
    element.onload =
      element.onerror =
      element.onloadedmetadata =
        ({ type }) => {
          resolve(`${name} ${type}`)
        }
    document.body.append(element)
  })
}

/** A form that is sent into a frame, or in place of this page. */
function submit(url, target, fields) {
  const form = Object.assign(document.createElement('form'), {
    action: url,
    method: 'POST',
    enctype: 'text/plain',
    target,
  })
  for (const [name, value] of Object.entries(fields)) {
    form.append(Object.assign(document.createElement('input'), { name, value }))
  }
  document.body.append(form)
  form.submit()
}

/** A link that says nothing of where it stands. */
function follow(url) {
  const link = Object.assign(document.createElement('a'), { href: url, rel: 'noreferrer' })
  document.body.append(link)
  link.click()
}

/** As a JSON body for a server that does not look at the type: `{"x":"="}`. */
const JSON_FORM = { '{"x":"': '"}' }

// Without a referrer: the page would rather not be told by it.
const quiet = { referrerPolicy: 'no-referrer' }

const READS = {
  fetch: (url) => read(fetch(url, quiet)),
  'fetch with a key': (url, key) =>
    read(fetch(url, { ...quiet, headers: { authorization: `Bearer ${key}` } })),
  'fetch without CORS': (url) => read(fetch(url, { ...quiet, mode: 'no-cors' })),
  image: (url) => load('img', { ...quiet, src: url }),
  script: (url) => load('script', { ...quiet, src: url }),
  'module script': (url) => load('script', { ...quiet, type: 'module', src: url }),
  style: (url) => load('link', { ...quiet, rel: 'stylesheet', href: url }),
  video: (url) => load('video', { src: url }),
  object: (url) => load('object', { data: url }),
  WebSocket: (url) =>
    new Promise((resolve) => {
      const socket = new WebSocket(url.replace('http', 'ws'))
      socket.onopen = socket.onerror = ({ type }) => resolve(`WebSocket ${type}`)
    }),
  EventSource: (url) =>
    new Promise((resolve) => {
      const source = new EventSource(url)
      source.onopen =
        source.onmessage =
        source.onerror =
          ({ type }) => {
            source.close()
            resolve(`EventSource ${type}`)
          }
    }),
}

const FRAME = { frame: (url) => load('iframe', { ...quiet, src: url }) }

const WRITES = {
  'fetch POST': (url) => read(fetch(url, { ...quiet, method: 'POST', body: '{}' })),
  'fetch POST with a key': (url, key) =>
    read(fetch(url, { ...quiet, method: 'POST', headers: { authorization: `Bearer ${key}` } })),
  'fetch POST without CORS': (url) =>
    read(fetch(url, { ...quiet, method: 'POST', mode: 'no-cors', body: '{}' })),
  'fetch POST without an origin': async (url) => {
    const ask = `fetch(${JSON.stringify(url)}, { method: 'POST', mode: 'no-cors', body: '{}' })`
    const tell = `(end) => parent.postMessage(String(end), '*')`
    const frame = Object.assign(document.createElement('iframe'), {
      sandbox: 'allow-scripts',
      srcdoc: `<script>${ask}.then(${tell}, ${tell})</script>`,
    })
    document.body.append(frame)
    return new Promise((resolve) => {
      addEventListener('message', ({ source, data }) => {
        if (source === frame.contentWindow) resolve(data)
      })
    })
  },
  'fetch DELETE': (url) => read(fetch(url, { ...quiet, method: 'DELETE' })),
  'form into a frame': async (url) => {
    const name = `frame-${Math.random()}`
    await load('iframe', { name })
    const frame = document.querySelector(`[name="${name}"]`)
    const loaded = new Promise((resolve) => {
      frame.onload = resolve
    })
    submit(url, name, JSON_FORM)
    await loaded
    return 'form loaded'
  },
}

/** Makes every try of `kinds` at each URL, and resolves with what each one has learned. */
async function attack(kinds, urls, key) {
  const learned = []
  for (const [name, attempt] of Object.entries(Object.assign({}, ...kinds))) {
    const all = await Promise.all(urls.map((url) => attempt(url, key)))
    learned.push(...all.map((what) => `${name}: ${what}`))
  }
  return learned
}
