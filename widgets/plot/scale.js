/** Round numbers for an axis: steps of 1, 2 and 5 times a power of ten, and texts that tell neighbours apart. */

/** From here on numbers are written as 1.5E15; so are those with steps below 0.000001. */
const GREAT = 1e15;
/** From here on numbers are written as 1.5M. */
const LARGE = 1e6;

/** The smallest round step of which at most `count` fit between two numbers. @param {number} span @param {number} count */
export function stepOf(span, count) {
	const least = span / Math.max(count, 1);
	if (!(least > 0) || !Number.isFinite(least)) return 1;
	const power = 10 ** Math.floor(Math.log10(least));
	const factor = [1, 2, 5, 10].find((factor) => factor * power >= least * (1 - 1e-9)) ?? 10;
	return tidy(factor * power);
}

/** The multiples of `step` from one number to another. @param {number} from @param {number} to @param {number} step */
export function ticks(from, to, step) {
	const first = Math.ceil(from / step - 1e-9);
	const count = Math.floor(to / step + 1e-9) - first + 1;
	return Array.from({ length: Math.min(Math.max(count, 0), 1000) }, (_, i) => tidy((first + i) * step));
}

/**
 * Both ends moved out to round numbers; they differ, even if the values do not.
 * @param {number} low @param {number} high @param {number} count of steps, about
 */
export function rounded(low, high, count) {
	if (low === high) [low, high] = [low - (Math.abs(low) / 10 || 1), high + (Math.abs(high) / 10 || 1)];
	const step = stepOf(high - low, count);
	return { low: tidy(Math.floor(low / step + 1e-9) * step), high: tidy(Math.ceil(high / step - 1e-9) * step), step };
}

/**
 * Writes numbers so that two that are a step apart look different.
 * @param {number} step @param {number} most the largest that will be written, without its sign
 * @param {boolean} [short] without zeros at the end, which else keep all numbers as wide as each other
 * @returns {(value: number) => string}
 */
export function writer(step, most, short = false) {
	const digits = (/** @type {number} */ unit) => Math.min(Math.max(Math.ceil(Math.log10(unit / step) - 1e-9), 0), 15);
	const thousands = 1000 ** Math.floor(Math.log10(Math.max(most, 1)) / 3 + 1e-9);
	/** @type {Intl.NumberFormatOptions} */
	const options =
		most >= GREAT || step < 1 / LARGE ? { notation: "scientific", maximumFractionDigits: digits(Math.max(most, step)) }
		: most >= LARGE && step >= 1 ? { notation: "compact", maximumFractionDigits: digits(thousands) }
		: { minimumFractionDigits: short ? 0 : digits(1), maximumFractionDigits: digits(1) };
	const format = new Intl.NumberFormat(undefined, { useGrouping: "min2", ...options }); // a year is not 1,990
	return (value) => format.format(value === 0 ? 0 : value).replace(/^-/, "−");
}

/** 0.30000000000000004 is 0.3. @param {number} value */
const tidy = (value) => Number(value.toPrecision(12));
