"""English words that belong to no name, to organisations, or stand before places; taken from no data set."""

from __future__ import annotations

NOT_NAMES = frozenset(
    (
        "a about above account act action actually add address adventure after again age all also always am an and animation another answer any anyone are area army article as asap ask at ate"
        " atm away back bad bank be because bed been before being best better between big bill black blue board book border both bot box boy brother bus business but buy by call called can can't card"
        " care center centre chief child city class club come comedy company computer concert conference contact corp corporation could country court credit customer daily data date daughter day days"
        " dear department did director discipline do doctor does doesn't don't done down during e-mail each early east email employee end energetic english even ever every excuse experience family"
        " fan fantastic father fax federal few film find fine first follow for force former found free friday friend from full fund game general get girl give go god going good got government great green group"
        " guilty had happy has have having he hello help her here here's hers hey hi high him his home hospital hotel house how however i i'd i'll i'm i've id if in inc inject institute internal international into is"
        " isn't it it's its january february march april may june july august september october november december job just keep key kids know labor land language last late later law left less let like"
        " limited line little live llc local long lost lot love low ltd made mail main make man management manager many market maybe me meet meeting member men message middle mission mobile monday money month more morning most"
        " mother movie mr mrs ms much music musicians must my mystery name national need never new news next nice night no none nor normal north not nothing now number of off office oh ok okay old on once one online only"
        " open or orchestra order original other our out over own park part party password patient pay people person phone photo pin place please pleasures point police post president press price prime private problem"
        " producer professor program project public put question radio read real really red regards religion remember rest return review right river road rock royal said sales same saturday save saw say says school second secret see"
        " send senior service services set she should show sir sister site small so some someone something son song sorry soon south special star state statement states still stop store story street such sunday"
        " supreme sure suspense system take team tell test thank thanks that that's the their them then there there's these they they're they've thing think this those though thought thriller through thursday time title to today together told"
        " tomorrow tonight too top town transaction transfer treaty true tuesday tv two uk under union united university until up update upon us usa use user very via visa voice wait want war was wasn't watch water way"
        " we we'll we're website wednesday week welcome well went were west what what's when where which while white who who's whole why wife will wisdom with without woman women won't word words work world would write written"
        " wrong yeah year years yes yesterday yet you you'll you're you've young your zip asap ssn iban cc pdf html http https url www com org api json sql select users faq ceo cfo cto hr it vip dvd cd pc ios android"
        " google facebook twitter instagram amazon microsoft apple youtube linkedin whatsapp wechat iphone netflix fuse entertainment weekly country club american british chinese french german spanish italian russian"
        " japanese korean dutch swedish polish european african asian indian mexican canadian australian irish scottish welsh european mr. dr. christmas easter thanksgiving halloween ramadan passover new-year"
        " southern northern eastern western central three four five six seven eight nine ten killed sent born currently recently additionally financially following living despite holding originally having based known diagnosed annual medical national personal social security number identification card"
        " asthma cancer diabetes arthritis obesity hypertension aspirin ibuprofen penicillin lipitor paracetamol score income credit services regarding note details status female male retired"
        " apt suite unit avenue drive lane boulevard highway terrace square bridge building floor room station airport hall church museum library theatre theater restaurant cafe bar"
        " capitalized energetic awarded helped looking mobile desk phone fax website info zipcode postcode bots devil evil hacked believe forever young"
        " capital technologies technology solutions systems global industries insurance holdings partners consulting labs media networks software digital financial associates foundation committee"
        " council ministry agency authority commission association society organization organisation federation league institute academy laboratory laboratories bancorp enterprises ventures"
        " mean means happened meant anyway perhaps quite rather sometimes often usually certainly definitely absolutely clearly unfortunately luckily finally suddenly"
        " everyone everybody everything nobody nowhere somewhere anywhere unlike despite although because since whether either neither both inside outside"
        " sad glad proud sorry interested tired excited afraid ready able unable moving calling writing trying looking waiting going coming thinking unemployed injured jealous contacting"
        " wondering having using getting making taking working living staying paying"
    ).split()
)

#: Words with which the name of an organisation, a street or an institution ends.
ORGANISATION = frozenset(
    (
        "street st road rd avenue ave drive lane court place way terrace highway boulevard inc ltd llc plc corp company companies co gmbh ag sa ab oy university college school hospital hotel"
        " group bank church museum association airlines airways motors industries technologies solutions systems holdings partners associates foundation institute orchestra band records studios"
        " pictures entertainment magazine times post news herald tribune journal gazette party league union act bill award awards prize festival championship cup island islands lake river mountain"
        " mountains valley county city park beach bay hill hills square bridge tower castle palace airport station states kingdom republic ocean sea east west north south day eve week"
        " force forces army navy police department ministry office agency council committee commission court house service services security bowl games show tour"
    ).split()
)

#: Words behind which capitalised words are more often a place than a person.
PLACE_BEFORE = frozenset(
    "in at near from into across around through towards toward via outside inside throughout".split()
)
