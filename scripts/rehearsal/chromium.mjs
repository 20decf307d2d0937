import { existsSync } from 'node:fs'
import { run } from './run.mjs'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** A Chromium of this machine. Where there is none, Debian's is installed. */
export const findChromium = async () => {
  const found = () => places.find((place) => existsSync(place))
  if (found() === undefined) {
    await run('apt-get', ['update'])
    await run('apt-get', ['install', '--yes', '--no-install-recommends', 'chromium'], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
  }
  const place = found()
  if (place === undefined) throw new Error(`no Chromium in ${places.join(', ')}`)
  return place
}
