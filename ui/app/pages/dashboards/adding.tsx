// The saved insights, of which one is put on the dashboard.
import type { JSX } from "preact";
import { projectPath } from "../../api/client.ts";
import type { SavedInsight } from "../../api/dashboards.ts";
import { useAct } from "../../state/act.ts";
import { useList } from "../../state/list.ts";
import { dashboards as text, saved } from "../../text/dashboards.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Problem } from "../../ui/form.tsx";
import { putOn } from "../../ui/save-insight.tsx";
import { Answer, Empty } from "../../ui/states.tsx";

export function Adding({ projectId, dashboardId, onAdded, onClose }: { projectId: string; dashboardId: string; onAdded: () => void; onClose: () => void }): JSX.Element {
  const { asked, hasMore, isLoadingMore, moreFault, showMore } = useList<SavedInsight>(projectPath(projectId, "insights"), {});
  const { isBusy, fault, run } = useAct();
  const add = async (insight: SavedInsight): Promise<void> => {
    if (!(await run(() => putOn(projectId, dashboardId, insight.id)))) return;
    onAdded();
    onClose();
  };
  return (
    <Dialog title={text.addTitle} onClose={onClose}>
      <Problem fault={fault ?? moreFault} />
      <Answer asked={asked}>
        {(rows) => (rows.length === 0
          ? <Empty title={text.noInsights}><p>{saved.noneText}</p></Empty>
          : (
            <div>
              {rows.map((each) => (
                <button type="button" class="option" key={each.id} disabled={isBusy} onClick={() => void add(each)}>
                  <span class="truncate">{each.name}</span><span class="muted">{saved.kinds[each.kind]}</span>
                </button>
              ))}
              {hasMore && <Button isSmall disabled={isLoadingMore} onClick={showMore}>{text.more}</Button>}
            </div>
          ))}
      </Answer>
    </Dialog>
  );
}
