import type { Funnel } from "../../api/types.ts";
import { formatNumber, formatPercent } from "../../model/format.ts";
import { eventLabel } from "../../model/names.ts";
import { funnels as text } from "../../text/funnels.ts";
import { fitted, painted } from "../../ui/picture.ts";

const STEP = 64;

export function funnelPicture(answer: Funnel, note: string): Promise<Blob | null> {
  return painted(text.title, `${text.overall(formatPercent(answer.conversion_rate), answer.steps.length)} · ${note}`, answer.steps.length * STEP, (brush, top) => {
    const { context, width } = brush;
    answer.steps.forEach((step, place) => {
      const y = top + place * STEP;
      context.font = brush.font(15, 600);
      context.fillStyle = brush.colour("--text");
      context.fillText(fitted(context, `${step.step}. ${eventLabel(step.event)}`, width - 320), 0, y);
      context.font = brush.font(15);
      context.textAlign = "right";
      context.fillText(`${text.counts[answer.aggregate_by](formatNumber(step.count))} · ${formatPercent(step.conversion_rate)}`, width, y);
      context.textAlign = "left";
      context.fillStyle = brush.colour("--bar");
      context.fillRect(0, y + 26, width, 20);
      context.fillStyle = brush.colour("--data-1");
      context.fillRect(0, y + 26, width * (step.conversion_rate ?? 0), 20);
    });
  });
}
