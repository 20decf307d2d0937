import type { RepeatingTaskHandle, SequencedTaskRunner } from '@posttask/core'
import type { Notice } from './notice.ts'
import type { ProgressState } from './progress-line.ts'
import type { Screen } from './screen.ts'
import { Tally } from './tally.ts'

/**
 * What the user sees of a run, on the "ui" sequence: figures and screen are touched by tasks of that sequence only.
 * Any runner may report here, by posting; the screen is drawn by a repeating task, however fast the figures change.
 */
export class Progress {
  readonly tally: Tally = new Tally()
  readonly #ui: SequencedTaskRunner
  readonly #screen: Screen
  readonly #startedAt = performance.now()
  #isStopping = false
  #drawing: RepeatingTaskHandle | undefined

  constructor(ui: SequencedTaskRunner, screen: Screen) {
    this.#ui = ui
    this.#screen = screen
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedAt
  }

  /** Shows how the run goes, from now until {@link end}. */
  begin(): void {
    const interval = this.#screen.progressInterval
    if (interval === undefined) return
    const draw = (): void => this.#screen.progress(this.#state())
    this.#drawing = this.#ui.postRepeatingTask(draw, interval, { name: 'draw progress', initialDelay: interval, unref: true })
  }

  /** Changes the figures. */
  update(change: (tally: Tally) => void): void {
    this.#ui.postTask(() => change(this.tally), { name: 'update figures' })
  }

  /** Shows and counts a notice. */
  notice(notice: Notice): void {
    const show = (): void => {
      this.tally.noticed(notice)
      this.#screen.notice(notice)
    }
    this.#ui.postTask(show, { name: 'show notice' })
  }

  /** Says that the run is about to end early. */
  stopping(): void {
    const show = (): void => {
      this.#isStopping = true
      this.#screen.stopping()
    }
    this.#ui.postTask(show, { name: 'show stopping', priority: 'user-blocking' })
  }

  /** Resolves when everything that was reported is in the figures, and nothing is drawn any more. */
  async end(): Promise<void> {
    this.#drawing?.stop()
    await this.#ui.waitIdle()
  }

  #state(): ProgressState {
    return { figures: this.tally.figures, elapsedMs: this.elapsedMs, isStopping: this.#isStopping }
  }
}
