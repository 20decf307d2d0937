import { explore, RaceError } from '@posttask/testing'
import { races } from './races.ts'

for (const { title, broken, fixed } of races) {
  console.log(`\n== ${title} ==`)
  try {
    await explore(broken)
  } catch (error) {
    if (!(error instanceof RaceError)) throw error
    console.log(error.message)
  }
  const { schedules, complete } = await explore(fixed, { exhaustive: true })
  console.log(`fixed: right in ${complete ? 'all' : 'the first'} ${schedules} schedules`)
}
