import { shout } from './shout.js'

export const greet = (name) => shout(`hello ${name}`)
